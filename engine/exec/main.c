/* SPDX-License-Identifier: MIT
 * jobmill-exec: the command line. `run` is for the engine, `probe` for the engine and for people.
 */
#include "exec/exec.h"
#include "exec/lua_version.h"

#include <jobmill.h>

#include <stdio.h>
#include <string.h>

#define EXIT_USAGE 2

static const char help[] =
    "usage: jobmill-exec probe FILE   describe a plugin (.so) or script (.lua) as JSON\n"
    "       jobmill-exec run          run jobs; started by `jobmill serve`, not by hand\n"
    "       jobmill-exec --version | --help\n"
    "\n"
    "Exit codes: 0 done, 2 wrong usage, 70 the engine's lease is over, 71 a handler ended the\n"
    "process, 78 the artifact or the configuration was refused.\n";

static int usage(const char *found)
{
    fprintf(stderr, "jobmill-exec: found %s, expected run, probe FILE, --version or --help\n",
            found);
    return EXIT_USAGE;
}

static int print_version(void)
{
    printf("jobmill-exec %s (SDK %d.%d, %s)\n", JOBMILL_VERSION, JOBMILL_ABI_MAJOR,
           JOBMILL_ABI_MINOR, lua_version_text());
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "nothing";

    if (argc == 2 && strcmp(command, "run") == 0)
        return exec_run();
    if (argc == 3 && strcmp(command, "probe") == 0)
        return exec_probe(argv[2]);
    if (argc == 2 && strcmp(command, "--version") == 0)
        return print_version();
    if (argc == 2 && strcmp(command, "--help") == 0)
        return fputs(help, stdout) < 0;
    if (argc == 2 && strcmp(command, "probe") == 0)
        return usage("probe without a file");
    return usage(argc == 1 || argc == 2 ? command : "too many arguments");
}
