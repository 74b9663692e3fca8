/* SPDX-License-Identifier: MIT
 * A bulk operation as clients see it. */
#ifndef JOBMILL_HTTP_BULK_JSON_H
#define JOBMILL_HTTP_BULK_JSON_H

#include "base/str.h"
#include "store/store_read.h"

void bulk_json_put(struct buf *b, const struct bulk_row *row);

#endif
