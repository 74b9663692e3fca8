#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: keys.sh JOBMILL PAGE.in > PAGE
# Puts the table of all configuration keys, as the program knows them, where PAGE.in says @KEYS@.
set -eu
table=$(mktemp)
trap 'rm -f "$table"' EXIT
"$1" keys --man >"$table"
sed -e "/^@KEYS@\$/{" -e "r $table" -e 'd' -e '}' "$2"
