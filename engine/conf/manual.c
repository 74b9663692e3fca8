/* SPDX-License-Identifier: MIT
 * The key table as documentation. */
#include "conf/keys.h"

#include "conf/keys_priv.h"
#include "conf/value.h"

#include <inttypes.h>
#include <stdio.h>

/* Text for troff: no escapes, no requests at the start of a line, real minus signs. */
static void add_roff(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        buf_adds(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            buf_adds(out, "\\e");
        else if (*text == '-')
            buf_adds(out, "\\-");
        else
            buf_addc(out, *text);
    }
}

static void bound_text(const struct key_def *key, int64_t value, char *out)
{
    if (key->type == KEY_DURATION)
        value_format_duration(value, out);
    else if (key->type == KEY_SIZE)
        value_format_size(value, out);
    else
        snprintf(out, VALUE_TEXT_MAX, "%" PRId64, key->type == KEY_FACTOR ? value / 100 : value);
}

/* "duration from 3s to 1h; default 15s; JOBMILL_ENGINE_LEASE" */
static void add_facts(struct buf *out, const struct key_def *key)
{
    char min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX], variable[ENV_NAME_MAX];

    buf_adds(out, conf__type_name(key->type));
    if (key->max != 0) {
        bound_text(key, key->min, min);
        bound_text(key, key->max, max);
        buf_addf(out, " from %s to %s", min, max);
    }
    if (key->default_value != NULL && *key->default_value != '\0')
        buf_addf(out, "; default %s", key->default_value);
    if (*conf__sections[key->section].named == '\0') {
        conf__key_env_name(key, variable);
        buf_addf(out, "; %s", variable);
    }
}

static void add_man_key(struct buf *out, const struct key_def *key)
{
    struct buf facts = BUF_INIT;

    buf_adds(out, ".TP\n.B ");
    add_roff(out, key->name);
    buf_adds(out, "\n");
    add_roff(out, key->text);
    buf_adds(out, "\n.br\n(");
    add_facts(&facts, key);
    add_roff(out, buf_str(&facts).ptr);
    buf_adds(out, ")\n");
    buf_free(&facts);
}

static void add_section_name(struct buf *out, size_t id)
{
    buf_addf(out, "[%s%s%s]", conf__sections[id].name, *conf__sections[id].named != '\0' ? " " : "",
             conf__sections[id].named);
}

void keys_put_man(struct buf *out)
{
    size_t id, i;

    for (id = 0; id < SECTION_COUNT; id++) {
        buf_adds(out, ".SS ");
        add_section_name(out, id);
        buf_adds(out, "\n");
        add_roff(out, conf__sections[id].text);
        buf_adds(out, "\n");
        for (i = 0; i < KEY_COUNT; i++)
            if (conf__keys[i].section == id)
                add_man_key(out, &conf__keys[i]);
    }
}

static void add_ini_key(struct buf *out, const struct key_def *key)
{
    buf_addf(out, "# %s\n#   (", key->text);
    add_facts(out, key);
    buf_addf(out, ")\n#%s = %s\n\n", key->name,
             key->default_value != NULL ? key->default_value : "");
}

void keys_put_ini(struct buf *out)
{
    size_t id, i;

    for (id = 0; id < SECTION_COUNT; id++) {
        buf_adds(out, *conf__sections[id].named != '\0' ? "#" : "");
        add_section_name(out, id);
        buf_addf(out, "\n# %s\n\n", conf__sections[id].text);
        for (i = 0; i < KEY_COUNT; i++)
            if (conf__keys[i].section == id)
                add_ini_key(out, &conf__keys[i]);
    }
}
