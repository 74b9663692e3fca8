/* SPDX-License-Identifier: MIT
 * Loading a plugin: the file, the shared object, the entry. exec/descriptor.c checks what it says.
 */
#include "exec/loader.h"

#include "base/io.h"
#include "exec/descriptor.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a folder"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISLNK(mode)  ? "a symbolic link"
                            : "a device";
}

/* `what` is "file" or "folder". A sticky folder (/tmp) keeps others from replacing the file. */
static int check_owner(const struct stat *st, const char *what, struct err *e)
{
    bool sticky_folder = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

    if ((st->st_mode & S_IWOTH) != 0 && !sticky_folder)
        return err_set(e, ERR_INVALID,
                       "found a %s that everybody may write (mode %04o), expected "
                       "one that only its owner may",
                       what, (unsigned)(st->st_mode & 07777));
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return err_set(e, ERR_INVALID, "found a %s owned by user %ld, expected root or user %ld",
                       what, (long)st->st_uid, (long)geteuid());
    return 0;
}

static int check_folder(const char *file, struct err *e)
{
    char folder[PATH_MAX];
    const char *slash;
    struct stat st;
    size_t len;

    if (realpath(file, folder) == NULL)
        return err_errno(e, ERR_IO, "cannot resolve the path");
    slash = strrchr(folder, '/');
    len = slash == NULL || slash == folder ? 1 : (size_t)(slash - folder);
    folder[len] = '\0';
    if (stat(folder, &st) != 0)
        return err_errno(e, ERR_IO, "its folder %s", folder);
    return check_owner(&st, "folder", e);
}

static int check_open_file(int fd, const char *file, struct err *e)
{
    struct stat st;
    int rc;

    if (fstat(fd, &st) != 0)
        return err_errno(e, ERR_IO, "cannot stat");
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "found %s, expected a regular file", kind_of(st.st_mode));
    if (st.st_size == 0)
        return err_set(e, ERR_INVALID, "found an empty file, expected a plugin or a script");
    rc = check_owner(&st, "file", e);
    return rc != 0 ? rc : check_folder(file, e);
}

int loader_open_file(const char *file, int *fd, struct err *e)
{
    int rc;

    /* O_NONBLOCK: a FIFO must not hang the loader */
    *fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        rc = err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, "cannot open");
    else
        rc = check_open_file(*fd, file, e);
    if (rc != 0) {
        io_close(fd);
        err_prefix(e, "%s", file);
    }
    return rc;
}

/* Everything that can be known without running the object's code. */
static int check_file(const char *file, struct elf_note *note, struct err *e)
{
    int fd, rc = loader_open_file(file, &fd, e);

    if (rc != 0)
        return rc;
    rc = elf_note_read(fd, note, e);
    if (rc == 0)
        rc = elf_note_check_abi("note", note->magic, note->abi_major, note->abi_minor, e);
    io_close(&fd);
    if (rc != 0)
        err_prefix(e, "%s", file);
    return rc;
}

/* Maps the object and calls its entry. */
static int call_entry(const char *file, const jobmill_plugin **out, struct err *e)
{
    char path[PATH_MAX]; /* absolute: dlopen would search a bare name in the library path */
    jobmill_entry_fn entry;
    void *object, *symbol;

    if (realpath(file, path) == NULL)
        return err_errno(e, ERR_IO, "%s: cannot resolve the path", file);
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return err_set(e, ERR_INVALID, "%s: cannot be loaded: %s", file, dlerror());
    symbol = dlsym(object, JOBMILL_ENTRY_NAME);
    if (symbol == NULL)
        return err_set(e, ERR_INVALID, "%s: found no function %s, expected it to be exported", file,
                       JOBMILL_ENTRY_NAME);
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no such conversion */
    *out = entry();
    if (*out == NULL)
        return err_set(e, ERR_INVALID, "%s: %s() returned NULL, expected a descriptor", file,
                       JOBMILL_ENTRY_NAME);
    return 0;
}

int plugin_load(const char *file, struct arena *arena, struct plugin *out, struct err *e)
{
    const jobmill_plugin *descriptor = NULL;
    int rc;

    *out = (struct plugin){.file = file};
    rc = check_file(file, &out->note, e);
    if (rc == 0)
        rc = call_entry(file, &descriptor, e);
    if (rc != 0)
        return rc;
    rc = descriptor_read(descriptor, arena, out, e);
    return rc != 0 ? err_prefix(e, "%s", file) : 0;
}

const jobmill_handler *plugin_find(const struct plugin *plugin, struct str job_type)
{
    size_t i;

    for (i = 0; i < plugin->n_handlers; i++)
        if (str_is(job_type, plugin->handlers[i].job_type))
            return &plugin->handlers[i];
    return NULL;
}

static void report_keys(const jobmill_handler *handler, struct report_handler *out)
{
    for (; out->n_keys < handler->config_count; out->n_keys++) {
        const jobmill_config_key *key = &handler->config[out->n_keys];

        out->keys[out->n_keys] = (struct report_key){.key = str_from(key->key),
                                                     .default_value = str_from(key->default_value),
                                                     .text = str_from(key->text),
                                                     .type = key->type,
                                                     .required = key->required != 0};
    }
}

int plugin_report(const struct plugin *plugin, struct arena *arena, struct artifact_report *out,
                  struct err *e)
{
    *out = (struct artifact_report){.kind = STR("plugin"),
                                    .name = str_from(plugin->name),
                                    .version = str_from(plugin->version),
                                    .abi_major = plugin->note.abi_major,
                                    .abi_minor = plugin->note.abi_minor,
                                    .built_major = plugin->note.built_major,
                                    .built_minor = plugin->note.built_minor};
    out->handlers = arena_array(arena, plugin->n_handlers, sizeof *out->handlers);
    if (out->handlers == NULL)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (; out->n_handlers < plugin->n_handlers; out->n_handlers++) {
        const jobmill_handler *from = &plugin->handlers[out->n_handlers];
        struct report_handler *to = &out->handlers[out->n_handlers];

        to->job_type = str_from(from->job_type);
        to->single_threaded = from->concurrency == JOBMILL_SINGLE_THREADED;
        to->keys = arena_array(arena, from->config_count, sizeof *to->keys);
        if (to->keys == NULL)
            return err_set(e, ERR_NOMEM, "out of memory");
        report_keys(from, to);
    }
    return 0;
}
