/* SPDX-License-Identifier: MIT
 * Job type `transform`: applies a list of operations to a JSON document. Integers, empty arrays,
 * null and Unicode come through unchanged. */
#include <jobmill.h>

#include <jansson.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS_MAX 100

/* One operation at work. On a mistake it writes `error`. */
struct step {
    const json_t *options; /* the operation's object; NULL when it was given as a name only */
    char error[256];
};

__attribute__((format(printf, 2, 3))) static int refuse(struct step *step, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(step->error, sizeof step->error, fmt, args);
    va_end(args);
    return -1;
}

static const char *kind_of(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a real",    [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",        [JSON_NULL] = "null"};

    return value == NULL ? "nothing" : names[json_typeof(value)];
}

/* ---- operations: each replaces *value, which it owns, and returns 0 or -1 ------------------- */

typedef char (*letter_fn)(char c);

static char upper_letter(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower_letter(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static json_t *mapped_string(const json_t *value, letter_fn map)
{
    size_t len = json_string_length(value), i;
    char *copy = malloc(len + 1);
    json_t *mapped;

    if (copy == NULL)
        return NULL;
    memcpy(copy, json_string_value(value), len + 1);
    for (i = 0; i < len; i++)
        copy[i] = map(copy[i]);
    mapped = json_stringn(copy, len);
    free(copy);
    return mapped;
}

/* A new value: `value` with the letters of all strings in it mapped (names stay). NULL when out of
 * memory, as jansson hands a NULL on. */
static json_t *mapped_letters(json_t *value, letter_fn map)
{
    json_t *mapped, *item;
    const char *name;
    size_t i;
    int lost = 0;

    if (json_is_string(value))
        return mapped_string(value, map);
    if (!json_is_array(value) && !json_is_object(value))
        return json_incref(value);
    mapped = json_is_array(value) ? json_array() : json_object();
    json_array_foreach(value, i, item)
    {
        lost |= json_array_append_new(mapped, mapped_letters(item, map));
    }
    json_object_foreach(value, name, item)
    {
        lost |= json_object_set_new(mapped, name, mapped_letters(item, map));
    }
    return lost == 0 ? mapped : (json_decref(mapped), NULL);
}

/* Puts `fresh` in the place of *value, unless something of it was `lost` for want of memory. */
static int replace(struct step *step, json_t **value, json_t *fresh, int lost)
{
    if (fresh == NULL || lost != 0) {
        json_decref(fresh);
        return refuse(step, "out of memory");
    }
    json_decref(*value);
    *value = fresh;
    return 0;
}

static int op_upper(struct step *step, json_t **value)
{
    return replace(step, value, mapped_letters(*value, upper_letter), 0);
}

static int op_lower(struct step *step, json_t **value)
{
    return replace(step, value, mapped_letters(*value, lower_letter), 0);
}

typedef int (*object_fn)(struct step *step, json_t **object);

/* Applies `change` to an object, or to each object of an array. */
static int each_object(struct step *step, json_t **value, object_fn change)
{
    json_t *item, *changed;
    size_t i;
    int lost = 0;

    if (json_is_object(*value))
        return change(step, value);
    if (!json_is_array(*value))
        return refuse(step, "found %s, expected an object or an array of objects", kind_of(*value));
    changed = json_array();
    json_array_foreach(*value, i, item)
    {
        json_t *own = json_incref(item);

        if (!json_is_object(own)) {
            (void)refuse(step, "item %zu: found %s, expected an object", i, kind_of(own));
        } else if (change(step, &own) == 0) {
            lost |= json_array_append_new(changed, own);
            continue;
        }
        json_decref(own);
        json_decref(changed);
        return -1;
    }
    return replace(step, value, changed, lost);
}

static int pick_members(struct step *step, json_t **object)
{
    const json_t *fields = json_object_get(step->options, "fields");
    json_t *picked = json_object(), *field, *found;
    size_t i;
    int lost = 0;

    json_array_foreach(fields, i, field)
    {
        found = json_object_get(*object, json_string_value(field));
        if (found != NULL)
            lost |= json_object_set(picked, json_string_value(field), found);
    }
    return replace(step, object, picked, lost);
}

/* {"op":"pick","fields":["a","b"]}: only these members; absent ones stay absent. */
static int op_pick(struct step *step, json_t **value)
{
    const json_t *fields = json_object_get(step->options, "fields");
    json_t *field;
    size_t i;

    if (!json_is_array(fields))
        return refuse(step, "fields: found %s, expected an array of strings", kind_of(fields));
    json_array_foreach(fields, i, field)
    {
        if (!json_is_string(field))
            return refuse(step, "fields[%zu]: found %s, expected a string", i, kind_of(field));
    }
    return each_object(step, value, pick_members);
}

static int rename_member(struct step *step, json_t **object)
{
    const char *from = json_string_value(json_object_get(step->options, "from"));
    const char *to = json_string_value(json_object_get(step->options, "to"));
    json_t *renamed = json_object(), *member;
    const char *name;
    int lost = 0;

    if (strcmp(from, to) != 0 && json_object_get(*object, from) != NULL &&
        json_object_get(*object, to) != NULL) {
        json_decref(renamed);
        return refuse(step, "to: found a member `%s` already, expected none", to);
    }
    json_object_foreach(*object, name, member)
    {
        lost |= json_object_set(renamed, strcmp(name, from) == 0 ? to : name, member);
    }
    return replace(step, object, renamed, lost);
}

/* {"op":"rename","from":"a","to":"b"} */
static int op_rename(struct step *step, json_t **value)
{
    static const char *const names[] = {"from", "to"};
    size_t i;

    for (i = 0; i < 2; i++) {
        const json_t *option = json_object_get(step->options, names[i]);

        if (!json_is_string(option))
            return refuse(step, "%s: found %s, expected a string", names[i], kind_of(option));
    }
    return each_object(step, value, rename_member);
}

/* For qsort. */
struct item {
    json_t *value;
};

static int compare_items(const void *a, const void *b)
{
    const json_t *x = ((const struct item *)a)->value, *y = ((const struct item *)b)->value;

    if (json_is_string(x))
        return strcmp(json_string_value(x), json_string_value(y));
    if (json_is_integer(x) && json_is_integer(y))
        return (json_integer_value(x) > json_integer_value(y)) -
               (json_integer_value(x) < json_integer_value(y));
    return (json_number_value(x) > json_number_value(y)) -
           (json_number_value(x) < json_number_value(y));
}

/* All numbers or all strings? */
static int check_alike(struct step *step, const json_t *array)
{
    bool strings = json_is_string(json_array_get(array, 0));
    json_t *item;
    size_t i;

    json_array_foreach(array, i, item)
    {
        if (strings ? !json_is_string(item) : !json_is_number(item))
            return refuse(step, "item %zu: found %s, expected only numbers or only strings", i,
                          kind_of(item));
    }
    return 0;
}

static int op_sort(struct step *step, json_t **value)
{
    size_t n = json_array_size(*value), i;
    struct item *items;
    json_t *sorted;
    int lost = 0;

    if (!json_is_array(*value))
        return refuse(step, "found %s, expected an array", kind_of(*value));
    if (check_alike(step, *value) != 0)
        return -1;
    items = calloc(n + 1, sizeof *items);
    if (items == NULL)
        return refuse(step, "out of memory");
    for (i = 0; i < n; i++)
        items[i].value = json_array_get(*value, i);
    qsort(items, n, sizeof *items, compare_items);
    sorted = json_array();
    for (i = 0; i < n; i++)
        lost |= json_array_append(sorted, items[i].value);
    free(items);
    return replace(step, value, sorted, lost);
}

/* The sum of an array of numbers: an integer while all are. */
static int op_sum(struct step *step, json_t **value)
{
    bool integers = true;
    int64_t whole = 0;
    double real = 0;
    json_t *item;
    size_t i;

    if (!json_is_array(*value))
        return refuse(step, "found %s, expected an array of numbers", kind_of(*value));
    json_array_foreach(*value, i, item)
    {
        if (!json_is_number(item))
            return refuse(step, "item %zu: found %s, expected a number", i, kind_of(item));
        integers = integers && json_is_integer(item);
        if (integers && __builtin_add_overflow(whole, json_integer_value(item), &whole))
            return refuse(step, "item %zu: the sum does not fit in 64 bits", i);
        real += json_number_value(item);
    }
    return replace(step, value, integers ? json_integer(whole) : json_real(real), 0);
}

static const struct operation {
    const char *name;
    int (*apply)(struct step *step, json_t **value);
} operations[] = {{"upper", op_upper},   {"lower", op_lower}, {"pick", op_pick},
                  {"rename", op_rename}, {"sort", op_sort},   {"sum", op_sum}};

/* ---- the run ------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static int32_t fail(jobmill_job *job, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    jobmill_error(job, jobmill_text(text));
    return JOBMILL_FAIL;
}

static int32_t apply_one(jobmill_job *job, size_t index, const json_t *given, json_t **value)
{
    const json_t *named = json_is_object(given) ? json_object_get(given, "op") : given;
    struct step step = {.options = json_is_object(given) ? given : NULL};
    const char *name = json_string_value(named);
    size_t i;

    if (name == NULL)
        return fail(job, "payload.operations[%zu]: found %s, expected a name or {\"op\": name}",
                    index, kind_of(named));
    for (i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].name, name) != 0)
            continue;
        if (operations[i].apply(&step, value) == 0)
            return JOBMILL_OK;
        return fail(job, "payload.operations[%zu] (%s): %s", index, name, step.error);
    }
    return fail(job,
                "payload.operations[%zu]: found `%s`, expected upper, lower, pick, rename, sort or "
                "sum",
                index, name);
}

static int32_t apply_all(jobmill_job *job, const json_t *list, json_t **value)
{
    size_t n = json_array_size(list), i;
    int32_t outcome = JOBMILL_OK;

    if (n > OPERATIONS_MAX)
        return fail(job, "payload.operations: found %zu, expected at most %d", n, OPERATIONS_MAX);
    for (i = 0; outcome == JOBMILL_OK && i < n; i++) {
        if (jobmill_cancelled(job))
            return JOBMILL_CANCELLED;
        outcome = apply_one(job, i, json_array_get(list, i), value);
        jobmill_progress(job, 100.0 * (double)(i + 1) / (double)n, jobmill_text("transforming"));
    }
    return outcome;
}

static int32_t give_result(jobmill_job *job, json_t *output, size_t count)
{
    json_t *result = json_pack("{s:O, s:I}", "output", output, "operations", (json_int_t)count);
    char *text = result == NULL ? NULL : json_dumps(result, JSON_COMPACT);
    int32_t outcome = JOBMILL_OK;

    if (text == NULL || jobmill_result(job, jobmill_text(text)) != 0)
        outcome = fail(job, "result: found more than the engine keeps, expected at most 1 MiB");
    free(text);
    json_decref(result);
    return outcome;
}

/* The document is payload.input, else the payload without `operations`; without `operations` all
 * letters become upper case. */
static int32_t transform(jobmill_job *job, json_t *payload)
{
    json_t *list = json_object_get(payload, "operations"), *input, *value;
    int32_t outcome;

    if (list != NULL && !json_is_array(list))
        return fail(job, "payload.operations: found %s, expected an array", kind_of(list));
    list = list != NULL ? json_incref(list) : json_pack("[s]", "upper");
    json_object_del(payload, "operations");
    input = json_object_get(payload, "input");
    value = json_incref(input != NULL ? input : payload);
    outcome = apply_all(job, list, &value);
    if (outcome == JOBMILL_OK)
        outcome = give_result(job, value, json_array_size(list));
    json_decref(value);
    json_decref(list);
    return outcome;
}

static int32_t run(jobmill_job *job, void *state)
{
    jobmill_str text = jobmill_payload(job);
    json_error_t error;
    json_t *payload = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &error);
    int32_t outcome;

    (void)state;
    if (payload == NULL)
        return fail(job, "payload: %s", error.text);
    outcome = transform(job, payload);
    json_decref(payload);
    return outcome;
}

static const jobmill_handler handlers[] = {{.job_type = "transform", .run = run}};

JOBMILL_PLUGIN("transform", "1.0.0", handlers);
