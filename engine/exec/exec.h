/* SPDX-License-Identifier: MIT
 * The commands of jobmill-exec. Each returns the process's exit code. */
#ifndef JOBMILL_EXEC_EXEC_H
#define JOBMILL_EXEC_EXEC_H

/* Runs jobs for the engine that started this process; descriptors 3 to 6 are inherited. */
int exec_run(void);

/* Describes the artifact in one JSON object on stdout. */
int exec_probe(const char *file);

#endif
