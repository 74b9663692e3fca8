/* SPDX-License-Identifier: MIT
 * Where the program `jobmill-exec` is. */
#include "core/exec_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSTALLED JOBMILL_PREFIX "/libexec/jobmill/jobmill-exec"

/* PATH_MAX bytes: the folder of the running program and "/jobmill-exec". */
static bool path_beside(char *out)
{
    static const char name[] = "/jobmill-exec";
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - sizeof name);
    char *slash;

    if (n <= 0)
        return false;
    out[n] = '\0';
    slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    memcpy(slash, name, sizeof name);
    return true;
}

static int found(const char *path, char **out, struct err *e)
{
    *out = strdup(path);
    return *out != NULL ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

int exec_path_find(const struct conf *conf, char **out, struct err *e)
{
    char beside[PATH_MAX] = "";

    *out = NULL;
    if (conf->exec_path != NULL && conf->exec_path[0] != '\0') {
        if (access(conf->exec_path, X_OK) == 0)
            return found(conf->exec_path, out, e);
        return err_errno(e, ERR_NOT_FOUND, "engine.exec_path = %s", conf->exec_path);
    }
    if (path_beside(beside) && access(beside, X_OK) == 0)
        return found(beside, out, e);
    if (access(INSTALLED, X_OK) == 0)
        return found(INSTALLED, out, e);
    return err_set(e, ERR_NOT_FOUND, "jobmill-exec is neither %s nor %s: set engine.exec_path",
                   beside, INSTALLED);
}
