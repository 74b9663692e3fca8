/* SPDX-License-Identifier: MIT
 * Fuzzes the wire decoder: any bytes are refused with a reason, or decode to a message that encodes
 * to the same bytes. */
#include "ipc/wire.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct buf again = BUF_INIT;
    struct wire_msg msg;
    struct err e = {0};

    if (wire_decode(bytes, &msg, &e) != 0) {
        expect(e.code == ERR_INVALID && e.text[0] != '\0', "refused without a reason");
        return 0;
    }
    wire_encode(&msg, &again);
    expect(str_eq(bytes, buf_str(&again)), "encoding again gives other bytes");
    buf_free(&again);
    return 0;
}
