/* SPDX-License-Identifier: MIT
 * jobmill: from argv to a command. */
#include "cli/commands.h"

#include <locale.h>
#include <string.h>

#define HELP_WIDTH 9

static const struct cli_command *const commands[] = {
    &cmd_serve,   &cmd_check, &cmd_migrate, &cmd_probe, &cmd_keys,
    &cmd_enqueue, &cmd_get,   &cmd_list,    &cmd_wait,  &cmd_version,
};

static const struct cli_command *find_command(const char *name)
{
    size_t i;

    for (i = 0; i < CLI_COUNT(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void put_help(FILE *out)
{
    size_t i;

    fprintf(out, "usage: jobmill COMMAND [options]\n\n");
    for (i = 0; i < CLI_COUNT(commands); i++)
        fprintf(out, "  %-*s %s\n", HELP_WIDTH, commands[i]->name, commands[i]->summary);
    fprintf(out, "\n`jobmill COMMAND --help` says more. Manual: jobmill(8), jobmill.ini(5).\n");
}

static int refuse_command(const char *name)
{
    const char *names[CLI_COUNT(commands)], *nearest;
    size_t i;

    for (i = 0; i < CLI_COUNT(commands); i++)
        names[i] = commands[i]->name;
    nearest = str_nearest(str_from(name), names, CLI_COUNT(commands));
    if (nearest != NULL)
        fprintf(stderr, "jobmill: unknown command \"%s\" (did you mean \"%s\"?)\n", name, nearest);
    else
        fprintf(stderr, "jobmill: unknown command \"%s\"\n", name);
    put_help(stderr);
    return CLI_USAGE;
}

static int run_help(int argc, char **argv)
{
    const struct cli_command *command = argc > 2 ? find_command(argv[2]) : NULL;

    if (argc > 2 && command == NULL)
        return refuse_command(argv[2]);
    if (command != NULL)
        cli_help(command, stdout);
    else
        put_help(stdout);
    return CLI_OK;
}

int main(int argc, char **argv)
{
    const struct cli_command *command;

    uselocale(newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0)); /* how wide characters are */
    if (argc < 2) {
        put_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return run_help(argc, argv);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        command = &cmd_version;
    else
        command = find_command(argv[1]);
    return command == NULL ? refuse_command(argv[1]) : cli_run(command, argc - 1, argv + 1);
}
