/* SPDX-License-Identifier: MIT
 * The slot table: making and mapping the shared memory. */
#include "ipc/slots.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int slots_create(int *fd, struct slot_table **out, struct err *e)
{
    int rc;

    *fd = memfd_create("jobmill-slots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return err_errno(e, ERR_IO, "memfd_create(jobmill-slots)");
    /* sealed in size: an executor that truncates it must not make the engine SIGBUS */
    if (ftruncate(*fd, sizeof(struct slot_table)) != 0 ||
        fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        rc = err_errno(e, ERR_IO, "cannot size the slot table");
    else
        rc = slots_map(*fd, out, e);
    if (rc != 0) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

int slots_map(int fd, struct slot_table **out, struct err *e)
{
    struct stat st;
    void *map;

    if (fstat(fd, &st) != 0)
        return err_errno(e, ERR_IO, "slot table");
    if (st.st_size != (off_t)sizeof(struct slot_table))
        return err_set(e, ERR_MISMATCH, "slot table has %lld bytes, expected %zu",
                       (long long)st.st_size, sizeof(struct slot_table));
    map = mmap(NULL, sizeof(struct slot_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return err_errno(e, ERR_IO, "cannot map the slot table");
    *out = map;
    return 0;
}

void slots_unmap(struct slot_table **table)
{
    if (*table != NULL)
        munmap(*table, sizeof **table);
    *table = NULL;
}
