/* SPDX-License-Identifier: MIT
 * The configuration as commands read it: -c DIR, JOBMILL_CONFIG, else conf.d. */
#ifndef JOBMILL_CLI_CONFIG_H
#define JOBMILL_CLI_CONFIG_H

#include "cli/cli.h"
#include "conf/conf.h"

#define CLI_CONFIG_OPTION                                                                        \
    {                                                                                            \
        "config", 'c', "DIR", "the configuration folder (default: $JOBMILL_CONFIG, else conf.d)" \
    }

/* `option` is the index of CLI_CONFIG_OPTION. 0, or the exit code after the error was printed. */
int cli_read_config(const struct cli_args *args, int option, struct conf **out);

#endif
