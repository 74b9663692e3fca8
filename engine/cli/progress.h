/* SPDX-License-Identifier: MIT
 * Progress of jobs that are waited for: a bar on a terminal, a line per change elsewhere. */
#ifndef JOBMILL_CLI_PROGRESS_H
#define JOBMILL_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct followed {
    const char *id;
    char status[32], message[128], error[256];
    double percent;
    int attempt;
    bool has_ended, completed;
    char *json; /* heap; the last answer, with -o json */
};

struct progress_view {
    FILE *out;
    bool on_terminal, colour;
    int columns;
    bool bar_is_shown;
};

void progress_init(struct progress_view *view, FILE *out);

/* After a round: draws the bar anew. */
void progress_show(struct progress_view *view, const struct followed *jobs, size_t n,
                   size_t n_ended);

/* A job changed its status: a line, where there is no bar. */
void progress_moved(struct progress_view *view, const struct followed *job);

void progress_clear(struct progress_view *view);

/* The last word on a job, on stdout. */
void progress_result(const struct followed *job);

#endif
