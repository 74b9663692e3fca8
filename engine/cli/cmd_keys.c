/* SPDX-License-Identifier: MIT
 * `jobmill keys [--man]`: every configuration key with its type, bounds and default. The build uses
 * it for the table of jobmill.ini(5): sed -e '/@KEYS@/{' -e 'r TABLE' -e 'd' -e '}' PAGE.in. */
#include "cli/commands.h"

#include "conf/keys.h"

static int run(const struct cli_args *args)
{
    struct buf text = BUF_INIT;
    int code = CLI_OK;

    if (cli_value(args, 0) != NULL)
        keys_put_man(&text);
    else
        keys_put_ini(&text);
    if (text.failed) {
        fprintf(stderr, "jobmill: out of memory\n");
        code = CLI_FAILED;
    } else {
        fwrite(text.ptr, 1, text.len, stdout);
    }
    buf_free(&text);
    return code;
}

static const struct cli_option options[] = {
    {"man", '\0', NULL, "as troff, for the manual page"},
};

const struct cli_command cmd_keys = {
    .name = "keys",
    .words = "",
    .summary = "Prints every configuration key as a commented .ini file.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .run = run,
};
