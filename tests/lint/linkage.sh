#!/bin/sh
# SPDX-License-Identifier: MIT
# Law 5 as the linker sees it. Usage: linkage.sh FOLDER-OF-PROGRAMS FOLDER-OF-OBJECTS
# The engine links neither Lua nor a loader call; the executor links no store, HTTP, Redis or crypto
# library; and no function of ours has the name of a library's, which would silently take its place.
set -eu
programs=$1
objects=$2
problems=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

complain() {
    echo "linkage: $*"
    problems=$((problems + 1))
}

needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

# Fails when PROGRAM needs a library that matches one of the patterns.
refuse_needed() {
    program=$1
    shift
    for library in $(needed "$program"); do
        for pattern in "$@"; do
            # shellcheck disable=SC2254 # a pattern is wanted
            case $library in
            $pattern) complain "$program needs $library" ;;
            esac
        done
    done
}

# The object files of some folders of engine/.
objects_of() {
    for folder in "$@"; do
        find "$objects/engine/$folder" -name '*.o' 2>/dev/null || true
    done
}

refuse_calls() {
    nm -A --undefined-only $(objects_of base json model ipc conf store queue http core cli) \
        "$objects/engine/main.o" |
        grep -E ' U (dl(open|mopen|sym|close)|luaL?_[a-z]+)(@|$)' >"$scratch/calls" || true
    while read -r line; do
        complain "the engine calls ${line##* } (${line%%:*})"
    done <"$scratch/calls"
}

# Our global names beside those that the linked libraries (but libc) export.
refuse_clashes() {
    program=$1
    shift
    # shellcheck disable=SC2046 # one word per file
    nm --defined-only -g $(objects_of "$@") | awk 'NF == 3 {print $3}' | sort -u >"$scratch/ours"
    ldd "$program" | awk '$3 ~ /^\// {print $3}' | while read -r library; do
        case $library in
        */libasan* | */libubsan* | */libtsan*) continue ;;
        esac
        nm -D --defined-only "$library" | awk 'NF == 3 {sub(/@.*/, "", $3); print $3}' | sort -u |
            comm -12 - "$scratch/ours" | sed "s|\$| in ${library##*/}|"
    done >"$scratch/clashes"
    while read -r name; do
        complain "$program defines $name too"
    done <"$scratch/clashes"
}

refuse_needed "$programs/jobmill" 'liblua*' 'libluajit*'
refuse_needed "$programs/jobmill-exec" 'libsqlite3*' 'libmicrohttpd*' 'libcurl*' 'libpq*' \
    'libhiredis*' 'libsodium*' 'libinih*' 'libssl*' 'libgnutls*'
case " $(needed "$programs/jobmill-exec" | tr '\n' ' ')" in
*" liblua5.4"*) ;;
*) complain "$programs/jobmill-exec does not need liblua5.4: is this the right file?" ;;
esac
refuse_calls
refuse_clashes "$programs/jobmill" base json model ipc conf store queue http core cli
refuse_clashes "$programs/jobmill-exec" base json model ipc exec
echo "linkage: $problems problems"
[ "$problems" -eq 0 ]
