/* SPDX-License-Identifier: MIT
 * Fuzzes the JSON scanner: any bytes get the same verdict and the same values as from jansson. */
#include "lib/json_oracle.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf why = BUF_INIT;

    if (json_oracle((struct str){(const char *)data, size}, &why) == ORACLE_DIFFER) {
        fprintf(stderr, "%s\n", why.ptr);
        abort();
    }
    buf_free(&why);
    return 0;
}
