/* SPDX-License-Identifier: MIT
 * One .ini text, line by line. */
#include "conf/ini_priv.h"

#include <ini.h>
#include <string.h>

struct reading {
    struct str rest;
    int line;
    bool in_section;
    bool at_pair; /* the line handed to inih must come back as a pair */
    int rc;
    const struct ini_events *events;
    void *context;
    struct err *e;
};

static int refuse(struct reading *r, const char *why)
{
    return r->rc = err_set(r->e, ERR_INVALID, "%s", why);
}

static bool is_comment(struct str line)
{
    return line.len == 0 || line.ptr[0] == ';' || line.ptr[0] == '#';
}

/* The next line without its end. False at the end of the text. */
static bool take_line(struct reading *r, struct str *line)
{
    const char *end;
    size_t n;

    if (r->rest.len == 0)
        return false;
    end = memchr(r->rest.ptr, '\n', r->rest.len);
    n = end == NULL ? r->rest.len : (size_t)(end - r->rest.ptr);
    *line = (struct str){r->rest.ptr, n};
    n += end != NULL;
    r->rest = (struct str){r->rest.ptr + n, r->rest.len - n};
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    r->line++;
    return true;
}

static int check_line(struct reading *r, struct str line)
{
    if (line.len > INI_LINE_MAX)
        return r->rc = err_set(r->e, ERR_INVALID,
                               "the line has %zu bytes, expected at most %d (longer values go "
                               "into the environment or a file)",
                               line.len, INI_LINE_MAX);
    if (memchr(line.ptr, '\0', line.len) != NULL)
        return refuse(r, "found a NUL byte, expected text");
    if (!str_is_utf8(line))
        return refuse(r, "found bytes that are not UTF-8, expected UTF-8 text");
    if (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t') && !is_comment(str_trim(line)))
        return refuse(r, "the line is indented, expected a key or [section] in the first column "
                         "(a value is one line)");
    return 0;
}

static int take_section(struct reading *r, struct str line)
{
    const char *end = memchr(line.ptr, ']', line.len);
    struct str name, tail;
    int rc;

    if (end == NULL)
        return refuse(r, "found [ without ], expected [section]");
    name = str_trim((struct str){line.ptr + 1, (size_t)(end - line.ptr) - 1});
    tail = str_trim((struct str){end + 1, line.len - (size_t)(end + 1 - line.ptr)});
    if (!is_comment(tail))
        return refuse(r, "found text after [section], expected the end of the line");
    r->in_section = true;
    rc = r->events->section(r->context, name, r->line, r->e);
    return r->rc = rc;
}

/* inih's fgets: hands over pairs only, and nothing more after the first error. */
static char *next_line(char *out, int size, void *stream)
{
    struct reading *r = stream;
    struct str line;

    if (r->rc == 0 && r->at_pair)
        refuse(r, "expected key = value, [section] or a comment");
    while (r->rc == 0 && take_line(r, &line)) {
        if (check_line(r, line) != 0)
            break;
        line = str_trim(line);
        if (is_comment(line))
            continue;
        if (line.ptr[0] == '[') {
            (void)take_section(r, line);
            continue;
        }
        if (line.len >= (size_t)size) {
            refuse(r, "the line is longer than the parser takes");
            break;
        }
        memcpy(out, line.ptr, line.len);
        out[line.len] = '\0';
        r->at_pair = true;
        return out;
    }
    return NULL;
}

static int on_pair(void *context, const char *section, const char *name, const char *value)
{
    struct reading *r = context;

    (void)section; /* inih cuts it at 49 bytes; take_section does not */
    r->at_pair = false;
    if (r->rc != 0)
        return 0;
    if (*name == '\0')
        refuse(r, "found no key before =, expected key = value");
    else if (!r->in_section)
        refuse(r, "found a key before the first [section], expected it in one");
    else
        r->rc = r->events->pair(r->context, str_from(name), str_from(value), r->line, r->e);
    return r->rc == 0;
}

int conf__ini_read(const char *file, struct str text, const struct ini_events *events,
                   void *context, struct err *e)
{
    struct reading r = {.rest = text, .events = events, .context = context, .e = e};
    int rc;

    if (str_starts(text, "\xEF\xBB\xBF"))
        r.rest = (struct str){text.ptr + 3, text.len - 3};
    rc = ini_parse_stream(next_line, &r, on_pair, &r);
    if (r.rc == 0 && rc != 0)
        refuse(&r, "the line cannot be parsed, expected key = value");
    if (r.rc == 0)
        return 0;
    err_prefix(e, "%s:%d", file, r.line);
    return r.rc;
}
