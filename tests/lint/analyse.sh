#!/bin/sh
# SPDX-License-Identifier: MIT
# Static analysis. Usage: analyse.sh clang|cppcheck|tidy...
#   clang     everything once more through the second compiler, warnings being errors
#   cppcheck  the engine and the plugins; what it is told to ignore is in cppcheck.txt, with reasons
#   tidy      clang-tidy with .clang-tidy: slow, not part of `make check`
set -eu
cd "$(dirname "$0")/../.."

sources() {
    find engine plugins sdk bench tests/lib tests/unit tests/store tests/chaos -name '*.c' | sort
}

flags="-std=c11 -D_GNU_SOURCE -DJOBMILL_VERSION=\"lint\" -DJOBMILL_PREFIX=\"/usr\" -Iengine
    -Isdk/include -Itests
    $(pkg-config --cflags sqlite3 jansson libsodium libmicrohttpd libcurl inih lua5.4 cmocka)"
# the Makefile's, so that the two cannot drift apart
warnings=$(env -u MAKEFLAGS make -s --no-print-directory show-warnings)

for what in "$@"; do
    echo "  $what"
    # word splitting is wanted: one argument per flag
    # shellcheck disable=SC2086
    case $what in
    clang)
        sources | xargs -P 2 -n 8 clang $flags $warnings -Werror -fsyntax-only
        ;;
    cppcheck)
        cppcheck --quiet --enable=warning,portability,performance --std=c11 --inline-suppr \
            --error-exitcode=1 --suppressions-list=tests/lint/cppcheck.txt -j 2 -Iengine \
            -Isdk/include -D_GNU_SOURCE '-DJOBMILL_VERSION="lint"' '-DJOBMILL_PREFIX="/usr"' \
            engine plugins sdk
        ;;
    tidy)
        sources | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet "$@" -- '"$(printf '%s ' $flags |
            sed 's/"/\\"/g')" tidy
        ;;
    *)
        echo "analyse.sh: found '$what', expected clang, cppcheck or tidy" >&2
        exit 2
        ;;
    esac
done
