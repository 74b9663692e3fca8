/* SPDX-License-Identifier: MIT
 * What the scanner and the reading of its documents share. */
#ifndef JOBMILL_JSON_SCAN_PRIV_H
#define JOBMILL_JSON_SCAN_PRIV_H

#include "base/str.h"

/* A number's text as a double; false when it is not finite or longer than 511 bytes. */
bool json__parse_real(struct str digits, double *out);

#endif
