/* SPDX-License-Identifier: MIT
 * Where the program `jobmill-exec` is. */
#ifndef JOBMILL_CORE_EXEC_PATH_H
#define JOBMILL_CORE_EXEC_PATH_H

#include "conf/conf.h"

/* engine.exec_path when set, else beside the running program, else in the installation's libexec.
 * *out is the caller's to free. ERR_NOT_FOUND names the places that were looked at. */
int exec_path_find(const struct conf *conf, char **out, struct err *e) MUST_CHECK;

#endif
