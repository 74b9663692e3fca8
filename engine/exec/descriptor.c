/* SPDX-License-Identifier: MIT
 * Checking what a loaded plugin says of itself. */
#include "exec/descriptor.h"

#include "model/job.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES    128 /* name, version */
#define KEY_MAX_BYTES     64
#define DEFAULT_MAX_BYTES 4096
#define STRIDE_MAX        4096

/* What 1.0 had; every later version has at least this. */
#define DESCRIPTOR_SIZE_1_0 (offsetof(jobmill_plugin, version) + sizeof(const char *))
#define HANDLER_SIZE_1_0    (offsetof(jobmill_handler, fini) + sizeof(void (*)(void)))

/* A NUL-terminated UTF-8 text of 1 to `max` bytes. */
static int check_text(const char *text, const char *what, size_t max, struct err *e)
{
    size_t len;

    if (text == NULL)
        return err_set(e, ERR_INVALID, "found NULL as %s, expected a text", what);
    len = strnlen(text, max + 1);
    if (len == 0 || len > max)
        return err_set(e, ERR_INVALID, "found %s%zu bytes as %s, expected 1 to %zu",
                       len > max ? "more than " : "", len > max ? max : len, what, max);
    if (!str_is_utf8((struct str){text, len}))
        return err_set(e, ERR_INVALID, "found %s that is not UTF-8, expected UTF-8", what);
    return 0;
}

static int check_frame(const jobmill_plugin *d, struct err *e)
{
    int rc = elf_note_check_abi("descriptor", d->magic, d->abi_major, d->abi_minor, e);

    if (rc != 0)
        return rc;
    if (d->struct_size < DESCRIPTOR_SIZE_1_0)
        return err_set(e, ERR_INVALID, "found a descriptor of %u bytes, expected at least %zu",
                       (unsigned)d->struct_size, DESCRIPTOR_SIZE_1_0);
    if (d->handler_stride < HANDLER_SIZE_1_0 || d->handler_stride > STRIDE_MAX ||
        d->handler_stride % alignof(jobmill_handler) != 0)
        return err_set(e, ERR_INVALID,
                       "found a handler_stride of %u bytes, expected %zu to %d in "
                       "steps of %zu",
                       (unsigned)d->handler_stride, HANDLER_SIZE_1_0, STRIDE_MAX,
                       alignof(jobmill_handler));
    if (d->handler_count < 1 || d->handler_count > REPORT_HANDLERS_MAX)
        return err_set(e, ERR_INVALID, "found %u handlers, expected 1 to %d",
                       (unsigned)d->handler_count, REPORT_HANDLERS_MAX);
    if (d->handlers == NULL)
        return err_set(e, ERR_INVALID, "found NULL as handlers, expected %u of them",
                       (unsigned)d->handler_count);
    rc = check_text(d->name, "its name", TEXT_MAX_BYTES, e);
    return rc != 0 ? rc : check_text(d->version, "its version", TEXT_MAX_BYTES, e);
}

static bool is_real(const char *text)
{
    char *end;

    strtod(text, &end);
    return end != text && *end == '\0';
}

/* Digits with an optional unit; the engine turns it into milliseconds. */
static bool is_duration(struct str text)
{
    static const char *const units[] = {"", "ms", "s", "m", "h", "d"};
    size_t digits = 0, i;
    struct str unit;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    unit = (struct str){text.ptr + digits, text.len - digits};
    for (i = 0; digits > 0 && i < sizeof units / sizeof *units; i++)
        if (str_is(unit, units[i]))
            return true;
    return false;
}

static int check_default(const jobmill_config_key *key, struct err *e)
{
    static const char *const expected[] = {"a text", "an integer", "a number", "true or false",
                                           "a duration such as 30s"};
    struct str text = str_from(key->default_value);
    bool good = true;
    int64_t integer;

    if (text.ptr == NULL)
        return 0;
    if (text.len > DEFAULT_MAX_BYTES || !str_is_utf8(text))
        good = false;
    else if (key->type == JOBMILL_CONFIG_INT)
        good = str_to_i64(text, &integer);
    else if (key->type == JOBMILL_CONFIG_REAL)
        good = is_real(text.ptr);
    else if (key->type == JOBMILL_CONFIG_BOOL)
        good = str_is(text, "true") || str_is(text, "false");
    else if (key->type == JOBMILL_CONFIG_DURATION)
        good = is_duration(text);
    if (!good)
        return err_set(e, ERR_INVALID, "found the default \"%.40s\", expected %s", text.ptr,
                       expected[key->type]);
    return 0;
}

static int check_key_name(const char *name, struct err *e)
{
    int rc = check_text(name, "its key", KEY_MAX_BYTES, e);
    size_t good;

    if (rc != 0)
        return rc;
    good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    if (name[good] != '\0')
        return err_set(e, ERR_INVALID, "found the key \"%s\", expected A-Z a-z 0-9 _", name);
    return 0;
}

static int check_key(const jobmill_handler *h, uint32_t index, struct err *e)
{
    const jobmill_config_key *key = &h->config[index];
    int rc = check_key_name(key->key, e);
    uint32_t i;

    if (rc != 0)
        return rc;
    for (i = 0; i < index; i++)
        if (strcmp(h->config[i].key, key->key) == 0)
            return err_set(e, ERR_INVALID, "found the key %s twice, expected it once", key->key);
    if (key->type > JOBMILL_CONFIG_DURATION)
        rc = err_set(e, ERR_INVALID, "found type %u, expected 0 to %d", (unsigned)key->type,
                     JOBMILL_CONFIG_DURATION);
    else if (key->required > 1)
        rc = err_set(e, ERR_INVALID, "found %u as required, expected 0 or 1",
                     (unsigned)key->required);
    else if (key->text != NULL)
        rc = check_text(key->text, "its text", DEFAULT_MAX_BYTES, e);
    if (rc == 0)
        rc = check_default(key, e);
    return rc != 0 ? err_prefix(e, "key %s", key->key) : 0;
}

static int check_keys(const jobmill_handler *h, struct err *e)
{
    uint32_t i;

    if (h->config_count > REPORT_KEYS_MAX)
        return err_set(e, ERR_INVALID, "found %u configuration keys, expected at most %d",
                       (unsigned)h->config_count, REPORT_KEYS_MAX);
    if (h->config_count > 0 && h->config == NULL)
        return err_set(e, ERR_INVALID, "found NULL as config, expected %u keys",
                       (unsigned)h->config_count);
    for (i = 0; i < h->config_count; i++) {
        int rc = check_key(h, i, e);

        if (rc != 0)
            return err_prefix(e, "config[%u]", (unsigned)i);
    }
    return 0;
}

static int check_handler(const jobmill_handler *all, size_t index, struct err *e)
{
    const jobmill_handler *h = &all[index];
    int rc = check_text(h->job_type, "its job_type", JOB_NAME_MAX, e);
    size_t i;

    if (rc == 0)
        rc = job_check_name(str_from(h->job_type), "job_type", e);
    if (rc != 0)
        return rc;
    for (i = 0; i < index; i++)
        if (strcmp(all[i].job_type, h->job_type) == 0)
            return err_set(e, ERR_INVALID,
                           "found job_type %s twice (handlers %zu and %zu), "
                           "expected each type once",
                           h->job_type, i, index);
    if (h->run == NULL)
        rc = err_set(e, ERR_INVALID, "found NULL as run, expected a function");
    else if (h->concurrency > JOBMILL_SINGLE_THREADED)
        rc = err_set(e, ERR_INVALID, "found concurrency %u, expected 0 or 1",
                     (unsigned)h->concurrency);
    else
        rc = check_keys(h, e);
    return rc != 0 ? err_prefix(e, "%s", h->job_type) : 0;
}

int descriptor_read(const jobmill_plugin *d, struct arena *arena, struct plugin *out, struct err *e)
{
    size_t size = sizeof(jobmill_handler), i;
    int rc = check_frame(d, e);

    if (rc != 0)
        return rc;
    if (d->handler_stride < size)
        size = d->handler_stride;
    out->handlers = arena_array(arena, d->handler_count, sizeof *out->handlers);
    if (out->handlers == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (i = 0; i < d->handler_count; i++) {
        memcpy(&out->handlers[i], (const char *)d->handlers + i * d->handler_stride, size);
        rc = check_handler(out->handlers, i, e);
        if (rc != 0)
            return err_prefix(e, "handler %zu", i);
    }
    out->n_handlers = d->handler_count;
    out->name = d->name;
    out->version = d->version;
    return 0;
}
