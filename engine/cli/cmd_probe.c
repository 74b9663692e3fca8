/* SPDX-License-Identifier: MIT
 * `jobmill probe FILE`: what a plugin or a script contains. */
#include "cli/commands.h"

#include "cli/table.h"
#include "core/exec_path.h"
#include "core/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXEC_VARIABLE "JOBMILL_ENGINE_EXEC_PATH"

static void put_safe(struct str text)
{
    struct buf safe = BUF_INIT;

    text_add_safe(&safe, text);
    fputs(buf_str(&safe).ptr, stdout);
    buf_free(&safe);
}

static void put_keys(const struct artifact_handler *h)
{
    static const char *const heads[] = {"  CONFIG", "TYPE", "DEFAULT", "MEANING"};
    static const char *const types[] = {"string", "int", "real", "bool", "duration"};
    struct table t;
    size_t i;

    if (h->n_keys == 0)
        return;
    table_init(&t, heads, CLI_COUNT(heads));
    for (i = 0; i < h->n_keys; i++) {
        const struct artifact_key *k = &h->keys[i];

        table_addf(&t, "  config.%.*s", STR_ARG(k->key));
        table_add(&t, str_from(types[k->type]));
        if (k->required && k->default_value.ptr == NULL)
            table_add(&t, STR("(required)"));
        else
            table_add(&t, k->default_value);
        table_add(&t, k->text);
    }
    table_print(&t, stdout, text_wants_colour(stdout));
    table_fini(&t);
}

static void put_artifact(const struct artifact *a, const char *file)
{
    size_t i;

    put_safe(str_from(file));
    printf(": %s ", a->kind == HANDLER_LUA ? "script" : "plugin");
    put_safe(a->name);
    putchar(' ');
    put_safe(a->version);
    if (a->kind == HANDLER_PLUGIN)
        printf(", ABI %u.%u, built with %u.%u", a->abi_major, a->abi_minor, a->built_major,
               a->built_minor);
    putchar('\n');
    for (i = 0; i < a->n_handlers; i++) {
        printf("\ntype ");
        put_safe(a->handlers[i].job_type);
        printf("%s\n", a->handlers[i].single_threaded ? " (one run at a time in a process)" : "");
        put_keys(&a->handlers[i]);
    }
}

/* Prints the probe's answer; a refusal goes to stderr and is CLI_CONFIG. */
static int report(struct str json, const char *file, bool as_json)
{
    struct arena arena = ARENA_INIT;
    struct artifact artifact = {.path = STR_NONE};
    struct err e = {.code = 0};
    int rc = artifact_parse(json, file, &arena, &artifact, &e);

    if (as_json)
        printf("%.*s\n", STR_ARG(json));
    else if (rc == 0)
        put_artifact(&artifact, file);
    arena_free(&arena);
    return rc != 0 ? cli_fail(&e) : CLI_OK;
}

static int probe(const char *file, bool as_json)
{
    const char *configured = getenv(EXEC_VARIABLE);
    struct conf conf = {.exec_path = configured != NULL ? configured : ""};
    char *exec_path = NULL, *real = realpath(file, NULL);
    struct buf json = BUF_INIT;
    struct err e = {.code = 0};
    int code = CLI_OK;

    if (real == NULL)
        err_errno(&e, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, "%s", file);
    else if (exec_path_find(&conf, &exec_path, &e) == 0 &&
             probe_run(exec_path, real, &json, &e) == 0)
        code = report(str_trim(buf_str(&json)), real, as_json);
    if (e.code == ERR_IO)
        e.code = ERR_INVALID; /* whatever a probe stumbles over is a wrong file */
    if (e.code != 0)
        code = cli_fail(&e);
    buf_free(&json);
    free(exec_path);
    free(real);
    return code;
}

static int run(const struct cli_args *args)
{
    const char *output = cli_value(args, 0);

    if (output != NULL && strcmp(output, "json") != 0 && strcmp(output, "text") != 0)
        return cli_usage(args, "-o: found \"%s\", expected text or json", output);
    return probe(args->words[0], output != NULL && strcmp(output, "json") == 0);
}

static const struct cli_option options[] = {
    {"output", 'o', "FORMAT", "text (the default) or json"},
};

const struct cli_command cmd_probe = {
    .name = "probe",
    .words = "FILE",
    .summary = "Says what a plugin (.so) or a Lua script (.lua) contains, or why it is refused.",
    .notes =
        "The file is loaded by a process of its own, never by this one. jobmill-exec is found\n"
        "beside this program, in its libexec, or by $" EXEC_VARIABLE ".\n"
        "Exit codes: 0 usable, 78 refused.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
