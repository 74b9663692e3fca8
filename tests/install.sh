#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs into a scratch folder, checks what is there, uses it, uninstalls. Usage: install.sh MAKE
set -eu
make=${1:-make}
cd "$(dirname "$0")/.."
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
prefix=$root/usr/local

fail() {
    echo "install: $*" >&2
    exit 1
}

quietly() {
    "$@" >"$root/log" 2>&1 || {
        cat "$root/log" >&2
        fail "failed: $*"
    }
}

install_it() {
    quietly "$make" --no-print-directory install PREFIX=/usr/local DESTDIR="$root"
}

install_it
for file in bin/jobmill libexec/jobmill/jobmill-exec include/jobmill.h \
    lib/pkgconfig/jobmill.pc lib/jobmill/plugins/default.so lib/jobmill/plugins/flaky.so \
    share/jobmill/lua-handlers/hello.lua share/jobmill/template/Makefile \
    share/doc/jobmill/README.md share/doc/jobmill/LICENSE share/man/man8/jobmill.8 \
    share/man/man5/jobmill.ini.5 etc/jobmill/conf.d/00-engine.ini; do
    [ -f "$prefix/$file" ] || fail "$file is missing"
done
[ -x "$prefix/bin/jobmill" ] || fail "bin/jobmill is not executable"
# the scratch folder's name must not have crept in
if grep -r -l -F "$root" "$prefix/etc" "$prefix/lib/pkgconfig"; then
    fail "these files name the folder of DESTDIR"
fi

# the installed configuration, folders being where DESTDIR put them
JOBMILL_ENGINE_PLUGIN_DIR=$prefix/lib/jobmill/plugins
JOBMILL_ENGINE_LUA_DIR=$prefix/share/jobmill/lua-handlers
JOBMILL_ENGINE_EXEC_PATH=$prefix/libexec/jobmill/jobmill-exec
JOBMILL_ENGINE_DATA_DIR=$root/data
export JOBMILL_ENGINE_PLUGIN_DIR JOBMILL_ENGINE_LUA_DIR JOBMILL_ENGINE_EXEC_PATH
export JOBMILL_ENGINE_DATA_DIR
grep -q '^plugin_dir = /usr/local/lib/jobmill/plugins$' \
    "$prefix/etc/jobmill/conf.d/00-engine.ini" ||
    fail "00-engine.ini does not name the installed plugins"
quietly "$prefix/bin/jobmill" check -c "$prefix/etc/jobmill/conf.d"

# the template builds outside the tree with what is installed, and what it makes loads
cp -r "$prefix/share/jobmill/template" "$root/mine"
PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
    quietly "$make" --no-print-directory -C "$root/mine" PREFIX=/usr/local
for plugin in "$root"/mine/*.so; do
    [ -f "$plugin" ] || fail "the template built no .so"
    quietly "$prefix/bin/jobmill" probe "$plugin"
done

# an operator's file survives the next installation
echo "; mine" >"$prefix/etc/jobmill/conf.d/00-engine.ini"
install_it
[ "$(cat "$prefix/etc/jobmill/conf.d/00-engine.ini")" = "; mine" ] ||
    fail "overwrote 00-engine.ini"

quietly "$make" --no-print-directory uninstall PREFIX=/usr/local DESTDIR="$root"
left=$(cd "$prefix" && find . -type f ! -path './etc/*')
[ -z "$left" ] || fail "uninstall left $left"
echo "install: installed, used and uninstalled"
