/* SPDX-License-Identifier: MIT
 * What the catalog's files share about artifacts. */
#ifndef JOBMILL_CONF_ARTIFACT_PRIV_H
#define JOBMILL_CONF_ARTIFACT_PRIV_H

#include "conf/catalog.h"
#include "jobmill.h"

#define ARTIFACT_MAX_BYTES (64 * 1024 * 1024)
#define HASH_HEX_LEN       64

/* "string", "int", … */
const char *conf__config_type_name(uint32_t type);

/* Fills hash and, with `pin`, copies the file to data_dir/artifacts/<hash>.so|.lua unless it is
 * there already; out->path must be set, `kind` too. What runs is then what was probed, whatever
 * happens to the original. */
int conf__pin(const struct conf *conf, bool pin, struct arena *arena, struct artifact *out,
              struct err *e) MUST_CHECK;

/* HASH_HEX_LEN characters and a NUL. */
void conf__hash_hex(struct str data, char out[static HASH_HEX_LEN + 1]);

#endif
