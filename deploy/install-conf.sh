#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: install-conf.sh CONF.D TARGET PLUGIN_DIR LUA_DIR DATA_DIR
# Copies the sample configuration for `make install`; [engine] gets the installed folders. A file
# that is there already belongs to the operator and is kept.
set -eu
from=$1
to=$2
mkdir -p "$to"

# [engine] with the three folders set, whether the section, the keys, or neither are there.
set_folders() {
    awk -v plugins="$1" -v lua="$2" -v data="$3" '
        function finish() {
            if (!("plugin_dir" in done)) print "plugin_dir = " plugins
            if (!("lua_dir" in done)) print "lua_dir = " lua
            if (!("data_dir" in done)) print "data_dir = " data
            done["plugin_dir"] = done["lua_dir"] = done["data_dir"] = 1
        }
        BEGIN { value["plugin_dir"] = plugins; value["lua_dir"] = lua; value["data_dir"] = data }
        /^\[/ { if (inside) finish(); inside = ($1 == "[engine]"); seen = seen || inside }
        inside && match($0, /^[;# ]*(plugin_dir|lua_dir|data_dir) *=/) {
            key = substr($0, 1, RLENGTH - 1)
            gsub(/[;# ]/, "", key)
            if (!(key in done)) print key " = " value[key]
            done[key] = 1
            next
        }
        { print }
        END { if (!seen) print "[engine]"; if (!seen || inside) finish() }'
}

[ -e "$from/00-engine.ini" ] || {
    echo "install-conf.sh: $from/00-engine.ini is missing" >&2
    exit 1
}
for file in "$from"/*.ini; do
    name=${file##*/}
    case $name in *.local.ini) continue ;; esac
    if [ -e "$to/$name" ]; then
        echo "kept $to/$name"
    elif [ "$name" = 00-engine.ini ]; then
        set_folders "$3" "$4" "$5" <"$file" >"$to/$name"
    else
        cp "$file" "$to/$name"
    fi
    chmod 644 "$to/$name"
done
