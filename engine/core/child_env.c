/* SPDX-License-Identifier: MIT
 * The environment of executors and probes. */
#include "core/child_env.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_passed(const char *variable)
{
    static const char *const passed[] = {
        "TZ=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS="};
    size_t i;

    for (i = 0; i < sizeof passed / sizeof *passed; i++)
        if (strncmp(variable, passed[i], strlen(passed[i])) == 0)
            return true;
    return false;
}

void child_env_fill(char *const *from, char *out[static CHILD_ENV_MAX])
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
    size_t n = 0;

    out[n++] = path;
    out[n++] = lang;
    /* an environment may name a variable twice */
    for (; from != NULL && *from != NULL && n < CHILD_ENV_MAX - 1; from++)
        if (is_passed(*from))
            out[n++] = *from;
    out[n] = NULL;
}
