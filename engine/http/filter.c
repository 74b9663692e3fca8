/* SPDX-License-Identifier: MIT
 * The words by which jobs are picked. */
#include "http/filter.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define FAILED_STATES (1u << JOB_RETRYING | 1u << JOB_DEAD_LETTER)

const char *const filter_words[] = {"status",      "type",          "queue",
                                    "workflow_id", "tag",           "worker_id",
                                    "error_code",  "created_after", "created_before"};
const size_t filter_words_n = sizeof filter_words / sizeof *filter_words;

static void add_state(struct request *r, struct job_filter *f, struct str name, const char *pointer)
{
    static const char *const known[] = {
#define STATE(id, code, name, meaning) name,
#include "model/job_states.def"
        "failed"};
    const char *nearest = str_nearest(name, known, sizeof known / sizeof *known);
    enum job_state state;

    if (job_state_parse(name, &state))
        f->states |= 1u << state;
    else if (str_is(name, "failed")) /* passed through, never at rest: what became of it */
        f->states |= FAILED_STATES;
    else
        complain(r, PROBLEM_INVALID, pointer,
                 "found \"%.*s\"%s%s%s, expected pending, queued, running, retrying, completed, "
                 "dead_letter, cancelled or failed",
                 (int)(name.len < 60 ? name.len : 60), name.ptr,
                 nearest == NULL ? "" : " (did you mean ", nearest == NULL ? "" : nearest,
                 nearest == NULL ? "" : "?)");
}

static void add_states(struct request *r, struct job_filter *f, struct str list,
                       const char *pointer)
{
    size_t at = 0;

    while (at <= list.len) {
        const char *comma = at == list.len ? NULL : memchr(list.ptr + at, ',', list.len - at);
        size_t end = comma == NULL ? list.len : (size_t)(comma - list.ptr);

        add_state(r, f, str_trim((struct str){list.ptr + at, end - at}), pointer);
        at = end + 1;
    }
}

/* A name, tag or other word that jobs carry. */
static void set_text(struct request *r, struct str *to, struct str word, struct str value,
                     const char *pointer)
{
    struct err e;
    int rc = 0;

    if (str_is(word, "tag"))
        rc = job_check_tag(value, &e);
    else if (str_is(word, "type") || str_is(word, "queue"))
        rc = job_check_name(value, word.ptr, &e);
    else if (value.len == 0 || value.len > JOB_KEY_MAX)
        rc = err_set(&e, ERR_INVALID, "has %zu bytes, expected 1 to %d", value.len, JOB_KEY_MAX);
    if (rc != 0)
        complain(r, PROBLEM_INVALID, pointer, "%s", e.text);
    *to = value;
}

static void set_time(struct request *r, int64_t *to, struct str value, const char *pointer)
{
    if (!time_parse(value, to))
        complain(r, PROBLEM_INVALID, pointer,
                 "found \"%.*s\", expected a time like 2026-01-31T12:34:56Z (RFC 3339)",
                 (int)(value.len < 60 ? value.len : 60), value.ptr);
}

bool filter_set(struct request *r, struct job_filter *f, struct str word, struct str value,
                const char *pointer)
{
    if (str_is(word, "status")) {
        add_states(r, f, value, pointer);
    } else if (str_is(word, "type")) {
        set_text(r, &f->type, STR("type"), value, pointer);
    } else if (str_is(word, "queue")) {
        set_text(r, &f->queue, STR("queue"), value, pointer);
    } else if (str_is(word, "tag")) {
        set_text(r, &f->tag, word, value, pointer);
    } else if (str_is(word, "worker_id")) {
        set_text(r, &f->worker_id, word, value, pointer);
    } else if (str_is(word, "error_code")) {
        set_text(r, &f->error_code, word, value, pointer);
    } else if (str_is(word, "created_after")) {
        set_time(r, &f->created_after_ms, value, pointer);
    } else if (str_is(word, "created_before")) {
        set_time(r, &f->created_before_ms, value, pointer);
    } else if (str_is(word, "workflow_id")) {
        if (!uuid_parse(value, &f->workflow_id))
            complain(r, PROBLEM_INVALID, pointer, "is not an id (UUID)");
    } else {
        return false;
    }
    return true;
}

/* Sets one condition of a filter object from its value or, for status, values. */
static void read_condition(struct request *r, const struct json_doc *doc,
                           const struct json_tok *value, struct str word, struct job_filter *f)
{
    const struct json_tok *item = value;
    uint32_t i, n = 1;
    char pointer[64];

    snprintf(pointer, sizeof pointer, "/filter/%.*s", (int)(word.len < 40 ? word.len : 40),
             word.ptr);
    if (str_is(word, "status") && value->kind == JSON_ARRAY) {
        n = value->count;
        item++;
        if (n == 0) /* no state at all would be read as any state */
            complain(r, PROBLEM_INVALID, pointer, "found an empty array, expected states");
    }
    for (i = 0; i < n; i++, item = json_next(doc, item)) {
        const char *nearest;

        if (item->kind != JSON_STRING) {
            complain(r, PROBLEM_INVALID, pointer, "found %s, expected a string",
                     json_kind_name((enum json_kind)item->kind));
        } else if (!filter_set(r, f, word, json_text(doc, item, &r->arena), pointer)) {
            nearest = str_nearest(word, filter_words, filter_words_n);
            complain(r, PROBLEM_INVALID, pointer, "there is no such condition%s%s%s",
                     nearest == NULL ? "" : ", did you mean \"", nearest == NULL ? "" : nearest,
                     nearest == NULL ? "" : "\"?");
        }
    }
}

void filter_read(struct request *r, const struct json_doc *doc, const struct json_tok *object,
                 struct job_filter *f)
{
    const struct json_tok *name = object + 1;
    uint32_t i;

    if (object->kind != JSON_OBJECT) {
        complain(r, PROBLEM_INVALID, "/filter", "found %s, expected an object",
                 json_kind_name((enum json_kind)object->kind));
        return;
    }
    for (i = 0; i < object->count; i++, name = json_next(doc, name + 1))
        read_condition(r, doc, name + 1, json_text(doc, name, &r->arena), f);
}

void filter_only_dead(struct request *r, struct job_filter *f, const char *pointer)
{
    if (f->states != 0 && (f->states & 1u << JOB_DEAD_LETTER) == 0)
        complain(r, PROBLEM_INVALID, pointer, "only dead letters are here, expected dead_letter");
    f->states = 1u << JOB_DEAD_LETTER;
}
