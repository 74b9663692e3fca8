/* SPDX-License-Identifier: MIT
 * What people read on a terminal: aligned tables, colours, texts of unknown origin made safe. */
#ifndef JOBMILL_CLI_TABLE_H
#define JOBMILL_CLI_TABLE_H

#include "base/str.h"

#include <stdio.h>

#define TABLE_COLUMNS_MAX 12
#define TABLE_CELL_MAX    100 /* columns; longer cells are cut with an ellipsis */

struct table {
    const char *heads[TABLE_COLUMNS_MAX];
    size_t n_columns;
    struct buf cells; /* each ends with a NUL */
    size_t n_cells;
};

void table_init(struct table *t, const char *const *heads, size_t n_columns);
void table_fini(struct table *t);

/* The next cell, row by row; made safe. STR_NONE and empty become "-". */
void table_add(struct table *t, struct str text);
void table_addf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Heads and rows, each column as wide as its widest cell. `colour` dims the heads and paints cells
 * that are names of job states. */
void table_print(const struct table *t, FILE *out, bool colour);

/* Appends `text` with control characters (C0, DEL, C1) as \xNN, \n, \t and bytes that are not UTF-8
 * as \xNN, so that nothing that a job says can move the cursor or colour the screen. */
void text_add_safe(struct buf *out, struct str text);

/* True for a terminal, unless NO_COLOR is set or TERM is dumb. */
bool text_wants_colour(FILE *out);

/* Escape sequence for a job state's name, "" for none; TEXT_PLAIN ends it. */
const char *text_state_colour(const char *state);
#define TEXT_PLAIN "\033[0m"
#define TEXT_DIM   "\033[2m"
#define TEXT_BOLD  "\033[1m"

/* "3s ago", "in 2m", "now", of ms since 1970. */
#define TEXT_RELATIVE_MAX 24
void text_relative(int64_t then_ms, int64_t now_ms, char out[static TEXT_RELATIVE_MAX]);

/* How many columns of a terminal the UTF-8 text takes (by wcwidth). */
size_t text_width(struct str text);

#endif
