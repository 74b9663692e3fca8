#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Proves the laws: plants one violation of each in a scratch tree and sees it found, and only it.

A second table holds what looks like a violation and is none.
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lint  # noqa: E402

OPEN = "/* SPDX-License-Identifier: MIT\n * What this file owns, in a sentence. */\n"
SH = "#!/bin/sh\n# SPDX-License-Identifier: MIT\n# What this script does, in a sentence.\n"


def c(body):
    return OPEN + body


def function(body):
    return c("int f(void)\n{\n%s\n}\n" % body)


def header(guard, body=""):
    return c("#ifndef %s\n#define %s\n%s#endif\n" % (guard, guard, body))


# law, path, content that breaks it
VIOLATIONS = [
    ("layers", "engine/base/x.c", c('#include "store/store.h"\n')),
    ("layers", "engine/model/x.c", c('#include "json/scan.h"\n')),
    ("layers", "engine/http/x.c", c('#include "core/fleet.h"\n')),
    ("layers", "engine/http/x.c", c('#include "ipc/wire.h"\n')),
    ("layers", "engine/exec/x.c", c('#include "conf/conf.h"\n')),
    ("layers", "engine/exec/x.c", c('#include "lua_priv.h"\n')),
    ("layers", "engine/cli/x.c", c('#include "core/submit.h"\n')),
    ("layers", "engine/core/x.c", c("#include <jobmill.h>\n")),
    ("layers", "engine/core/x.c", c('#include "store/sqlite_priv.h"\n')),
    ("layers", "engine/other/x.c", c("")),
    ("plugins", "plugins/mail/mail.c", c('#include "base/str.h"\n')),
    ("third-party", "engine/core/x.c", c("#include <sqlite3.h>\n")),
    ("third-party", "engine/exec/worker.c", c("#include <lua.h>\n")),
    ("third-party", "engine/core/x.c", c("#include <microhttpd.h>\n")),
    ("third-party", "engine/core/x.c", c("#include <curl/curl.h>\n")),
    ("third-party", "engine/conf/x.c", c("#include <dlfcn.h>\n")),
    ("third-party", "engine/store/x.c", c("#include <libpq-fe.h>\n")),
    ("include-order", "engine/base/x.c", c('#include <stdio.h>\n\n#include "base/str.h"\n')),
    ("include-order", "engine/base/x.c", c("#include <stdlib.h>\n#include <stdio.h>\n")),
    ("include-order", "engine/base/x.c", c('#include "base/str.h"\n\n#include "base/x.h"\n')),
    ("calls", "engine/base/x.c", function("    return atoi(a);")),
    ("calls", "engine/base/x.c", function("    strcat (a, b);")),
    ("calls", "plugins/mail/mail.c", function("    sprintf(a, b);")),
    ("calls", "tests/lib/x.c", function("    return system(a);")),
    ("calls", "engine/core/x.c", function("    return fork();")),
    ("calls", "engine/base/x.c", function("    p = (strtok)(a, b);\n    q = strtok(a, b);")),
    ("loading", "engine/core/x.c", function("    return dlopen(a, 2) != 0;")),
    ("loading", "engine/exec/worker.c", function("    return dlsym(a, b) != 0;")),
    ("cloexec", "engine/base/x.c", function("    return open(a, O_RDONLY);")),
    ("cloexec", "engine/base/x.c", function("    return socket(AF_INET,\n        0, 0);")),
    ("cloexec", "engine/base/x.c", function("    return accept4(a, 0, 0, SOCK_NONBLOCK);")),
    ("cloexec", "engine/base/x.c", function("    return accept(a, 0, 0);")),
    ("cloexec", "engine/base/x.c", function("    return pipe2(a, 0);")),
    ("cloexec", "engine/base/x.c", function("    return pipe(a);")),
    ("cloexec", "engine/base/x.c", function("    return epoll_create1(0);")),
    ("cloexec", "engine/base/x.c", function("    return eventfd(0, 0 /* EFD_CLOEXEC */) ;")
     .replace("EFD_CLOEXEC", "later")),
    ("cloexec", "engine/base/x.c", function('    return fopen(a, "r") != 0;')),
    ("cloexec", "engine/base/x.c", function("    return dup(a);")),
    ("cloexec", "engine/base/x.c", function("    return dup2(a, 1); /* lint: */")),
    ("cloexec", "engine/base/x.c", function("    return recvmsg(a, m, 0) != 0;")),
    ("opening", "engine/base/x.c", "/* no licence, but a sentence on what it owns */\n"),
    ("opening", "deploy/x.sh", "#!/bin/sh\n# What this script does, in a sentence.\n"),
    ("opening", "engine/base/x.c", "/* SPDX-License-Identifier: MIT */\nint x;\n"),
    ("file-length", "engine/base/x.c", c("int x;\n" * 600)),
    ("function-length", "engine/base/x.c", function("\n".join(["    f();"] * 101))),
    ("leftovers", "engine/base/x.c", c("/* TO" + "DO: later */\n")),
    ("leftovers", "deploy/x.sh", SH + "# FIX" + "ME\n"),
    ("leftovers", "engine/base/x.c", c("#if 0\n#endif\n")),
    ("layout", "engine/base/x.c", c("int x; \n")),
    ("layout", "engine/base/x.c", c("\tint x;\n")),
    ("layout", "engine/base/x.c", c("int x%s;\n" % ("y" * 100))),
    ("layout", "engine/base/x.c", c("int x;")),
    ("layout", "engine/base/x.c", c("int x;\n\n")),
    ("layout", "docs/x.png", "a\0b\n"),
    ("words", "README.md", "Look into %swork/x.\n" % "/"),
    ("words", "README.md", "Written with Chat%s.\n" % "GPT"),
    ("words", "README.md", "From https://%s/x\n" % ("pypi" + ".org")),
    ("packages", "README.md", "apt-get install libjansson%s\n" % "-dev"),
    ("python", "deploy/x.sh", SH + "python3 tests/x.py\n"),
    ("python", "tests/x.py", "#!/usr/bin/env python3\n# SPDX-License-Identifier: MIT\n"
     '"""What this script does, in a sentence."""\n'),
    ("guard", "engine/base/x.h", header("X_H")),
    ("guard", "engine/base/x.h", c("int x;\n")),
    ("guard", "tests/lib/x.h", header("JOBMILL_X_H")),
]

# path, content that every law accepts
GOOD = [
    ("engine/base/x.h", header("JOBMILL_BASE_X_H", "#include <stddef.h>\n")),
    ("engine/base/x.c", c('#include "base/x.h"\n\n#include "base/err.h"\n\n#include <stdio.h>\n')),
    ("engine/core/x.c", c('#include "store/store.h"\n\n/* strcpy(a, b) in a comment */\n')),
    ("engine/core/y.c", function('    puts("system(x), atoi(y)");\n    ops->open(a);\n'
                                 "    s.accept(b);\n    my_fork();\n    return strcpy_of;")),
    ("engine/base/y.c", function("    /* lint: fd 1 is meant to be inherited */\n"
                                 "    dup2(a, 1);\n    return open(a, f(b), O_CLOEXEC);")),
    ("engine/base/z.c", function('    return fopen(a, "re") != 0 && open(a,\n'
                                 "        O_CLOEXEC);")),
    ("engine/exec/loader.c", function("    return dlopen(a, 2);") + "#include <dlfcn.h>\n"),
    ("engine/exec/lua_vm.c", c("#include <lua.h>\n")),
    ("engine/store/sqlite.c", c("#include <sqlite3.h>\n")),
    ("engine/base/long.c", function("\n".join(["    f();"] * 100))),
    ("deploy/x.sh", SH + "/usr/bin/python3 tests/x.py\n"),
    ("docs/x.md", "x" * 300 + "\n"),
    ("tests/lib/x.c", function("    return fork();")),
]


def problems_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, content in files:
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(content)
        return lint.check(root)


def main():
    failed = 0
    for law, path, content in VIOLATIONS:
        found = {problem[2] for problem in problems_of([(path, content)])}
        if found != {law}:
            failed += 1
            print("planted %s in %s, found %s:\n%s" % (law, path, sorted(found), content[-200:]))
    for problem in problems_of(GOOD):
        failed += 1
        print("good, but refused: %s:%d: [%s] %s" % problem)
    unproved = set(lint.LAWS) - {law for law, _, _ in VIOLATIONS}
    if unproved:
        failed += 1
        print("laws without a planted violation: %s" % ", ".join(sorted(unproved)))
    print("lint selftest: %d violations planted, %d failures" % (len(VIOLATIONS), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
