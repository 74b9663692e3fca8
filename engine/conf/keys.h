/* SPDX-License-Identifier: MIT
 * The key table as documentation. */
#ifndef JOBMILL_CONF_KEYS_H
#define JOBMILL_CONF_KEYS_H

#include "base/str.h"

/* Every section and key: as troff for jobmill.ini(5), or as a commented .ini file. */
void keys_put_man(struct buf *out);
void keys_put_ini(struct buf *out);

#endif
