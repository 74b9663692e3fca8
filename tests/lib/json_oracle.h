/* SPDX-License-Identifier: MIT
 * The JSON scanner judged by jansson: same verdict and same values, but for the stricter rules. */
#ifndef JOBMILL_TESTS_JSON_ORACLE_H
#define JOBMILL_TESTS_JSON_ORACLE_H

#include "base/str.h"

enum oracle_verdict {
    ORACLE_BOTH_ACCEPT, /* and every value is the same */
    ORACLE_BOTH_REFUSE,
    ORACLE_STRICTER, /* refused by a rule of json/scan.h that jansson does not have */
    ORACLE_DIFFER    /* a bug in one of the two; `why` says what */
};

/* Parses `text` with both. `why` gets a sentence for ORACLE_DIFFER. */
enum oracle_verdict json_oracle(struct str text, struct buf *why);

/* Parses with jansson and writes the values in the canonical form that json_oracle compares
 * (lengths before strings, reals in hexadecimal); false when jansson refuses, and then `out` holds
 * its reason. In a file of its own, because jansson.h and json/scan.h share names. */
bool jansson_canonical(struct str text, struct buf *out);

#endif
