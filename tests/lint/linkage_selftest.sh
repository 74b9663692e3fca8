#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves linkage.sh: two programs and objects that break each of its rules, and each is found.
set -eu
here=$(dirname "$0")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
: "${CC:=cc}"

mkdir -p "$root/programs"
for folder in base json model ipc conf store queue http core cli exec; do
    mkdir -p "$root/objects/engine/$folder"
    echo "int ${folder}_nothing;" | $CC -c -x c - -o "$root/objects/engine/$folder/x.o"
done
echo 'int main(void) { return 0; }' | $CC -c -x c - -o "$root/objects/engine/main.o"
echo 'int json_real(int x); int json_real(int x) { return x; }' |
    $CC -c -x c - -o "$root/objects/engine/json/y.o"
echo 'void *dlopen(const char *, int); void *core_load(void) { return dlopen("x", 2); }' |
    $CC -c -x c - -o "$root/objects/engine/core/y.o"
link() {
    program=$1
    shift
    $CC "$root/objects/engine/main.o" -Wl,--no-as-needed "$@" -o "$root/programs/$program"
}
link jobmill -llua5.4 -ljansson
link jobmill-exec -lsqlite3 -ljansson

if sh "$here/linkage.sh" "$root/programs" "$root/objects" >"$root/found"; then
    echo "linkage selftest: nothing was found"
    exit 1
fi
for expected in 'jobmill needs liblua5.4' 'jobmill-exec needs libsqlite3' \
    'jobmill-exec does not need liblua5.4' 'the engine calls dlopen' \
    'defines json_real in libjansson'; do
    grep -q "$expected" "$root/found" || {
        echo "linkage selftest: did not find: $expected"
        cat "$root/found"
        exit 1
    }
done
echo "linkage selftest: all planted violations found"
