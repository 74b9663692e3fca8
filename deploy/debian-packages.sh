#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: debian-packages.sh [-n] [GROUP...]     groups: build (default), check,
# develop, bench
# Installs what is missing of Debian's packages, says what, and is silent when nothing is missing.
# -n only prints what is missing. This is the one place that lists the packages; the first column
# may offer alternatives (a|b): the first is installed when none of them is there.
set -eu

packages() {
    cat <<'LIST'
build gcc                                           C compiler
build make                                          runs the Makefile
build pkg-config|pkgconf                            finds the libraries below
build libc6-dev                                     C library headers
build libmicrohttpd-dev                             HTTP server
build libinih-dev                                   configuration files
build liblua5.4-dev                                 Lua handlers
build libsqlite3-dev                                embedded store
build libjansson-dev                                JSON trees
build libsodium-dev                                 hashes of API tokens and artifacts
build libcurl4-gnutls-dev|libcurl4-openssl-dev|libcurl4-nss-dev  the command line's HTTP client
build libcmocka-dev                                 unit tests
check python3                                       end-to-end tests and lint
check python3-jsonschema                            checks answers against openapi.json
check clang                                         second compiler, fuzzing
check cppcheck                                      static analysis
check binutils                                      what the programs link (readelf, nm)
develop clang                                       fuzzing
develop clang-format                                make format
develop clang-tidy                                  make tidy
develop libclang-rt-dev                             runtime of the fuzzers
bench wrk                                           HTTP load
bench python3                                       benchmark scripts
LIST
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The first of "a|b|c", unless one of them is installed.
missing_of() {
    for name in $(echo "$1" | tr '|' ' '); do
        if installed "$name"; then
            return 0
        fi
    done
    echo "${1%%|*}"
}

missing_in() {
    packages | while read -r in_group names _; do
        case " $* " in
        *" $in_group "*) missing_of "$names" ;;
        esac
    done | sort -u
}

give_up() {
    {
        echo "debian-packages.sh: $1"
        echo "Please install these by hand, then run the same command again:"
        printf '  %s\n' $2
    } >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Package lists may be missing or old: they are fetched only when the first try fails.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" \
        </dev/null
}

only_print=no
if [ "${1:-}" = -n ]; then
    only_print=yes
    shift
fi
[ $# -gt 0 ] || set -- build
for group in "$@"; do
    case $group in
    build | check | develop | bench) ;;
    *)
        echo "debian-packages.sh: found group '$group', expected build, check, develop or bench" >&2
        exit 2
        ;;
    esac
done

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    # elsewhere, an able tree is enough: what is missing will be named by the compiler
    if [ "$1" = build ] && command -v pkg-config >/dev/null 2>&1 &&
        pkg-config --exists libmicrohttpd inih lua5.4 sqlite3 jansson libsodium libcurl cmocka; then
        exit 0
    fi
    give_up "this is not Debian (no apt-get); the names below are Debian's." \
        "$(packages | while read -r in_group names _; do
            case " $* " in *" $in_group "*) echo "${names%%|*}" ;; esac
        done | sort -u)"
fi

missing=$(missing_in "$@")
[ -n "$missing" ] || exit 0
if [ $only_print = yes ]; then
    echo "$missing"
    exit 0
fi
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
    give_up "packages are missing, and there is neither root nor sudo to install them." "$missing"
fi

echo "Installing from Debian:" $missing
# word splitting is wanted: one argument per package
# shellcheck disable=SC2086
if ! apt_install $missing; then
    echo "Fetching the package lists, then once more"
    as_root apt-get update -q </dev/null || give_up "apt-get update failed." "$missing"
    apt_install $missing || give_up "apt-get install failed." "$missing"
fi
