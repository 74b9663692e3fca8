/* SPDX-License-Identifier: MIT
 * The configuration as commands read it. */
#include "cli/config.h"

#include <stdlib.h>
#include <unistd.h>

int cli_read_config(const struct cli_args *args, int option, struct conf **out)
{
    const char *dir = cli_value(args, option);
    struct err e = {.code = 0};
    int rc;

    if (dir == NULL)
        dir = getenv("JOBMILL_CONFIG");
    if (dir == NULL || *dir == '\0')
        dir = "conf.d";
    rc = conf_read(dir, environ, out, &e);
    if (rc == 0)
        return CLI_OK;
    if (rc == ERR_IO || rc == ERR_LIMIT) /* what cannot be read is a wrong configuration */
        e.code = ERR_INVALID;
    return cli_fail(&e);
}
