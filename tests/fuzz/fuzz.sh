#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the fuzzers with clang and runs each for some seconds. Usage: fuzz.sh [SECONDS] [NAME...]
# What they find stays in build/fuzz/NAME/; the corpus there makes the next run begin further on.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- json wire

mkdir -p build/fuzz
for name in "$@"; do
    case $name in
    json) needs="engine/json/*.c tests/lib/json_oracle.c tests/lib/jansson_canonical.c -ljansson" ;;
    wire) needs="engine/ipc/wire.c engine/model/*.c" ;;
    *)
        echo "fuzz.sh: found '$name', expected json or wire" >&2
        exit 2
        ;;
    esac
    corpus=build/fuzz/$name/corpus
    mkdir -p "$corpus"
    # word splitting is wanted: files and libraries
    # shellcheck disable=SC2086
    clang -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-recover=undefined -Iengine -Itests "tests/fuzz/fuzz_$name.c" engine/base/*.c \
        $needs -lm -pthread -o "build/fuzz/fuzz_$name"
    printf '{"a":[1,-2.5e3,"\\u00e9\\n",true,null],"b":{}}' >"$corpus/start"
    echo "fuzzing $name for $seconds s"
    "build/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
        -dict=tests/fuzz/$name.dict -artifact_prefix="build/fuzz/$name/" "$corpus" \
        >"build/fuzz/$name/log" 2>&1 || {
        tail -40 "build/fuzz/$name/log"
        exit 1
    }
    grep -E 'number_of_executed_units|peak_rss' "build/fuzz/$name/log"
done
