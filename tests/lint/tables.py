# SPDX-License-Identifier: MIT
"""The tables of our laws: who may include what, who may call what, what must not appear."""

# Layers. A folder of engine/ (or a file of it) may include its own headers and these folders or
# headers; "jobmill.h" is the SDK. DESIGN §8 and docs/decisions/0001-shape.md have the reasons.
LAYERS = {
    "base": [],
    "json": ["base"],
    "model": ["base"],
    "conf": ["base", "json", "model", "jobmill.h"],
    "ipc": ["base", "model"],
    "store": ["base", "json", "model"],
    "queue": ["base", "model"],
    "core": ["base", "json", "model", "conf", "ipc", "queue/queue.h", "store/migrate.h",
             "store/store.h", "store/store_read.h"],
    "http": ["base", "json", "model", "conf", "core/bulk.h", "core/engine.h", "core/serve.h",
             "core/thread.h", "store/store.h", "store/store_read.h"],
    "exec": ["base", "json", "model", "ipc", "jobmill.h"],
    "cli": ["base", "json", "model", "conf", "core/exec_path.h", "core/probe.h", "core/serve.h",
            "http/auth.h", "http/http.h", "queue/queue.h", "store/migrate.h", "store/store.h"],
    "main.c": ["base", "cli"],
}

# Third-party headers, and the only files that may include them (fnmatch patterns).
# engine/cli/cmd_version.c prints the versions of all of them.
THIRD_PARTY = {
    "ini.h": ["engine/conf/ini.c"],
    "sqlite3.h": ["engine/store/sqlite_priv.h", "engine/store/sqlite.c",
                  "engine/cli/cmd_version.c", "tests/unit/store/*.c", "tests/store/*.c"],
    "microhttpd.h": ["engine/http/*.[ch]", "bench/bare*.c", "engine/cli/cmd_version.c"],
    "jansson.h": ["engine/json/merge.c", "engine/cli/cmd_version.c",
                  "plugins/*/*.c", "sdk/template/*.c", "tests/*"],
    "sodium.h": ["engine/conf/pin.c", "engine/http/auth.c", "engine/http/create.c",
                 "engine/store/migrate.c", "engine/cli/cmd_version.c"],
    "curl/curl.h": ["engine/cli/*.c"],
    "lua.h": ["engine/exec/lua_*.[ch]"],
    "lauxlib.h": ["engine/exec/lua_*.[ch]"],
    "lualib.h": ["engine/exec/lua_*.[ch]"],
    "dlfcn.h": ["engine/exec/loader.c", "tests/unit/plugins/*.c", "tests/unit/exec/*.c"],
    "cmocka.h": ["tests/*"],
    "hiredis/hiredis.h": [],
    "libpq-fe.h": [],
}

# Only here may foreign code be loaded (law 5).
LOADING_CALLS = ["dlopen", "dlmopen", "dlsym", "dlclose"]
LOADING_FILES = ["engine/exec/loader.c", "tests/unit/plugins/*.c", "tests/unit/exec/*.c"]

# name: why not
FORBIDDEN_CALLS = {
    "strcpy": "no bound; use struct buf or memcpy with a length",
    "strcat": "no bound; use struct buf",
    "strncpy": "does not terminate; use memcpy with a length",
    "sprintf": "no bound; use snprintf or buf_addf",
    "vsprintf": "no bound; use vsnprintf",
    "gets": "no bound",
    "strtok": "hidden state; use struct str",
    "atoi": "no errors; use str_to_i64",
    "atol": "no errors; use str_to_i64",
    "atof": "no errors; use strtod",
    "system": "no shell from here; use posix_spawn",
    "popen": "no shell from here; use posix_spawn",
    "fork": "a fork in a threaded process deadlocks; use posix_spawn (R31)",
    "vfork": "use posix_spawn (R31)",
    "alloca": "no bound on the stack",
    "rand": "use random_u64",
    "srand": "use random_u64",
    "gmtime": "not thread-safe; use gmtime_r",
    "localtime": "not thread-safe; use localtime_r",
    "ctime": "not thread-safe; use time_format",
    "asctime": "not thread-safe; use time_format",
    "strerror": "not thread-safe; use err_errno",
    "setlocale": "numbers in JSON and SQL have a point whatever the locale",
}

# Programs of tests have one thread and no operators.
TESTS_MAY_CALL = ["fork", "strerror", "strncpy", "dup2"]

# Descriptors are born close-on-exec: call -> what its arguments must contain.
CLOEXEC_FLAGS = {
    "open": "O_CLOEXEC", "openat": "O_CLOEXEC", "pipe2": "O_CLOEXEC", "dup3": "O_CLOEXEC",
    "mkostemp": "O_CLOEXEC", "socket": "SOCK_CLOEXEC", "socketpair": "SOCK_CLOEXEC",
    "accept4": "SOCK_CLOEXEC", "epoll_create1": "EPOLL_CLOEXEC", "eventfd": "EFD_CLOEXEC",
    "signalfd": "SFD_CLOEXEC", "timerfd_create": "TFD_CLOEXEC", "memfd_create": "MFD_CLOEXEC",
    "inotify_init1": "IN_CLOEXEC", "recvmsg": "MSG_CMSG_CLOEXEC",
}
# Calls that cannot be: -> what to use.
CLOEXEC_NEVER = {
    "creat": "open with O_CLOEXEC", "pipe": "pipe2", "accept": "accept4", "dup": "F_DUPFD_CLOEXEC",
    "dup2": "dup3 with O_CLOEXEC", "epoll_create": "epoll_create1", "mkstemp": "mkostemp",
    "tmpfile": "memfd_create", "inotify_init": "inotify_init1",
}

# Words that must not appear anywhere. Written in pieces, so that this file passes.
WORDS = [
    "/wo" "rk/", "/ro" "ot/", "/home" "/", "cla" "ude", "anthro" "pic", "open" "ai",
    "chat" "gpt", "co" "pilot", "gem" "ini", "language " "model", "artificial " "intelligence",
    "co-authored" "-by", "generated " "with", "pypi" ".org", "python" "hosted",
    "npm" "js.org", "npm" "js.com",
    "crates" ".io", "ruby" "gems.org", "proxy.golang" ".org", "py" "env",
    "arti" "factory",
]

# Files that some laws leave alone, and why (fnmatch patterns on the path).
NO_LICENCE_LINE = {
    "conf.d/*.ini": "operators' own files, examples to edit",
    "LICENSE": "is the licence",
    "*.md": "prose, covered by LICENSE",
    "*.json": "JSON has no comments",
    "sdk/jobmill.pc.in": "read by pkg-config",
    ".gitignore": "a list of names",
    ".clang-format": "a list of settings",
    "*.svg": "a picture",
}
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 100
COLUMNS_MAX = 100
COLUMN_FREE = {
    "*.md": "prose",
    "*.json": "data",
    "LICENSE": "prose",
    "*.[1-8]": "manual pages",
    "*.svg": "a picture",
}
LENGTH_FREE = {
    "*.md": "prose",
    "*.json": "data",
    "*.[1-8]": "manual pages",
}
