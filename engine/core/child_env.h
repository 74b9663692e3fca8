/* SPDX-License-Identifier: MIT
 * The environment of executors and probes: built, not inherited, so that they hold no credential
 * (law 5). */
#ifndef JOBMILL_CORE_CHILD_ENV_H
#define JOBMILL_CORE_CHILD_ENV_H

#define CHILD_ENV_MAX 8 /* with the NULL at the end */

/* Fills `out` with a fixed PATH and LANG and with those variables of `from` that libraries need to
 * behave. The strings are borrowed; `from` may be NULL. */
void child_env_fill(char *const *from, char *out[static CHILD_ENV_MAX]);

#endif
