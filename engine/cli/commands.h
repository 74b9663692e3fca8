/* SPDX-License-Identifier: MIT
 * The commands of `jobmill`, one file each. */
#ifndef JOBMILL_CLI_COMMANDS_H
#define JOBMILL_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cmd_serve, cmd_check, cmd_migrate, cmd_probe, cmd_version;
extern const struct cli_command cmd_enqueue, cmd_get, cmd_list, cmd_wait;
extern const struct cli_command cmd_keys;

#endif
