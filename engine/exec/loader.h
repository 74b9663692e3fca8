/* SPDX-License-Identifier: MIT
 * Loading a plugin: from a file to a checked descriptor. The only place that calls dlopen. Each
 * refusal names the file, what was found and what was expected. */
#ifndef JOBMILL_EXEC_LOADER_H
#define JOBMILL_EXEC_LOADER_H

#include "base/arena.h"
#include "base/err.h"
#include "exec/elfnote.h"
#include "exec/report.h"

#include <jobmill.h>

struct plugin {
    const char *file; /* as asked for */
    struct elf_note note;
    const char *name, *version;
    /* Copies, so that plugins built with a smaller or larger structure look the same. */
    jobmill_handler *handlers;
    size_t n_handlers;
};

/* An artifact must be a regular file that only its owner can change, in a folder that only its
 * owner can change; owner: root or this user. *fd is open for reading on success. */
int loader_open_file(const char *file, int *fd, struct err *e) MUST_CHECK;

/* Loads the plugin and checks everything it says of itself; runs no handler code but the object's
 * constructors and its entry. What is in `out` lives in `arena` and in the object, which stays
 * mapped until the process ends. */
int plugin_load(const char *file, struct arena *arena, struct plugin *out,
                struct err *e) MUST_CHECK;

/* The handler with this job_type, or NULL. */
const jobmill_handler *plugin_find(const struct plugin *plugin, struct str job_type);

/* Describes it for the probe; ERR_NOMEM. */
int plugin_report(const struct plugin *plugin, struct arena *arena, struct artifact_report *out,
                  struct err *e) MUST_CHECK;

#endif
