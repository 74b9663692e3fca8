/* SPDX-License-Identifier: MIT
 * The words by which jobs are picked: the same in queries and in bodies. */
#ifndef JOBMILL_HTTP_FILTER_H
#define JOBMILL_HTTP_FILTER_H

#include "http/fields.h"

/* The words, for messages and "did you mean". */
extern const char *const filter_words[];
extern const size_t filter_words_n;

/* Sets the condition `word` to `value`; several calls for `status` add up. A bad value is
 * complained about at `pointer`. False when there is no such word. */
bool filter_set(struct request *r, struct job_filter *f, struct str word, struct str value,
                const char *pointer);

/* Reads a filter object; every condition is a string, status also an array of strings. */
void filter_read(struct request *r, const struct json_doc *doc, const struct json_tok *object,
                 struct job_filter *f);

/* Only dead letters: sets the state, and complains at `pointer` when another one was asked for. */
void filter_only_dead(struct request *r, struct job_filter *f, const char *pointer);

#endif
