#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Our own small laws, over every file that is or would be committed.

    lint.py [FOLDER]      prints `path:line: [law] message`; exit 1 when there is any

The tables are in tables.py; selftest.py proves that each law finds its violation. A line whose
comment says `lint: <reason>`, or the line after it, is excused from the close-on-exec law.
"""
import fnmatch
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tables  # noqa: E402

CODE = (".c", ".h", ".def")


class Source:
    """A file's text, and for C the same text with comments and literals blanked out."""

    def __init__(self, root, path):
        self.path = path
        self.is_c = path.endswith(CODE)
        self.is_link = os.path.islink(os.path.join(root, path))
        with open(os.path.join(root, path), "rb") as f:
            data = f.read()
        self.is_binary = b"\0" in data
        self.text = data.decode("utf-8", "replace")
        self.lines = self.text.split("\n")
        self.code = blank(self.text) if self.is_c else self.text

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


def blank(text):
    """Comments, strings and characters become spaces of the same length; lines stay lines."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, p) for p in patterns)


def calls(source, names):
    """Yields (name, offset, text of the arguments) of each call in C code."""
    for m in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(names), source.code):
        depth, end = 0, m.end() - 1
        while end < len(source.code):
            depth += {"(": 1, ")": -1}.get(source.code[end], 0)
            if depth == 0:
                break
            end += 1
        yield m.group(1), m.start(), source.text[m.end():end]


# ---- laws: each yields (line, message) for one file ---------------------------------------------


def law_layers(source):
    """Folders of engine/ include only what stands below them."""
    m = re.match(r"engine/(?:([a-z]+)/)?([a-z_0-9]+\.[ch])$", source.path)
    if not m:
        return
    folder = m.group(1) or m.group(2)
    if folder not in tables.LAYERS:
        yield 1, "found folder engine/%s, expected one of tests/lint/tables.py" % folder
        return
    for line, name in includes(source, '"'):
        target = name.split("/")[0]
        if name in tables.LAYERS[folder]:
            continue
        if "/" not in name:
            yield line, 'found "%s", expected the folder in front: "%s/…"' % (name, folder)
        elif target != folder and target not in tables.LAYERS[folder]:
            yield line, 'found "%s", expected only %s' % (
                name, ", ".join([folder] + tables.LAYERS[folder]))
    for line, name in includes(source, "<"):
        if name == "jobmill.h" and name not in tables.LAYERS[folder]:
            yield line, "found <jobmill.h>, which %s may not see" % folder


def law_plugins(source):
    """Handlers and tests of plugins know jobmill.h, nothing of engine/."""
    if not matches(source.path, ["plugins/*", "sdk/template/*", "tests/hostile/*"]):
        return
    for line, name in includes(source, '"'):
        if "/" in name:
            yield line, 'found "%s", expected <jobmill.h> and files of the own folder' % name


def law_third_party(source):
    """A library's header is included by the files that wrap it."""
    for line, name in includes(source, "<"):
        allowed = tables.THIRD_PARTY.get(name)
        if allowed is not None and not matches(source.path, allowed):
            yield line, "found <%s>, expected only in %s" % (name, ", ".join(allowed) or "no file")


def includes(source, quote):
    if not source.is_c:
        return
    close = {'"': '"', "<": ">"}[quote]
    for i, line in enumerate(source.lines, 1):
        m = re.match(r"\s*#\s*include\s*%s([^%s]+)%s" % (quote, close, close), line)
        if m:
            yield i, m.group(1)


def law_include_order(source):
    """Own header first, then ours, then the system's, each group sorted."""
    if not source.path.endswith((".c", ".h")) or source.path.startswith("sdk/"):
        return
    seen = [(line, q, name) for q in '"<' for line, name in includes(source, q)
            if not name.endswith(".def")]
    seen.sort()
    own = re.sub(r"^(engine|tests)/", "", source.path)[:-2] + ".h"
    if seen and seen[0][2] == own:
        seen.pop(0)
    elif any(name == own for _, _, name in seen):
        yield seen[0][0], 'found "%s", expected "%s" first' % (seen[0][2], own)
    for (_, q1, a), (line, q2, b) in zip(seen, seen[1:]):
        if q1 == "<" and q2 == '"':
            yield line, 'found "%s" after <%s>, expected ours before the system\'s' % (b, a)
        elif q1 == q2 and a > b and not group_break(source, line):
            yield line, "found %s after %s, expected alphabetical order" % (b, a)


def group_break(source, line):
    return source.lines[line - 2].strip() == ""


def law_calls(source):
    """Calls that are forbidden everywhere."""
    if source.is_c:
        for name, at, _ in calls(source, tables.FORBIDDEN_CALLS):
            if name in tables.TESTS_MAY_CALL and source.path.startswith("tests/"):
                continue
            yield source.line_of(at), "found %s(): %s" % (name, tables.FORBIDDEN_CALLS[name])


def law_loading(source):
    """Foreign code is loaded in one file only."""
    if source.is_c and not matches(source.path, tables.LOADING_FILES):
        for name, at, _ in calls(source, tables.LOADING_CALLS):
            yield source.line_of(at), "found %s(), expected only in %s" % (
                name, tables.LOADING_FILES[0])


def law_cloexec(source):
    """Every descriptor is born close-on-exec."""
    if not source.is_c:
        return
    names = list(tables.CLOEXEC_FLAGS) + list(tables.CLOEXEC_NEVER) + ["fopen", "freopen"]
    for name, at, arguments in calls(source, names):
        line = source.line_of(at)
        near = "\n".join(source.lines[max(0, line - 2):line])
        excused = name in tables.TESTS_MAY_CALL and source.path.startswith("tests/")
        if excused or re.search(r"/\* lint: \w", near):
            continue
        if name in tables.CLOEXEC_NEVER:
            yield line, "found %s(), expected %s" % (name, tables.CLOEXEC_NEVER[name])
        elif name in ("fopen", "freopen"):
            if not re.search(r'"[rwa][^"]*e[^"]*"', arguments):
                yield line, "found %s() without the mode letter e" % name
        elif tables.CLOEXEC_FLAGS[name] not in arguments:
            yield line, "found %s() without %s" % (name, tables.CLOEXEC_FLAGS[name])


def law_opening(source):
    """A file opens with the licence tag and a sentence on what it owns."""
    if matches(source.path, tables.NO_LICENCE_LINE):
        return
    head = source.lines[:7]
    if head and head[0].startswith("#!"):
        head = head[1:]
    if not head or "SPDX-License-Identifier: MIT" not in head[0]:
        yield 1, "found no `SPDX-License-Identifier: MIT` in the first line"
    elif not any(re.search(r"[A-Za-z`'].*[a-z].{8}", line) for line in head[1:5]):
        yield 2, "found no sentence after the licence tag, expected what the file owns"


def law_file_length(source):
    """Files stay short."""
    n = len(source.lines) - 1
    if n > tables.FILE_LINES_MAX and not matches(source.path, tables.LENGTH_FREE):
        yield n, "found %d lines, expected at most %d: split it" % (n, tables.FILE_LINES_MAX)


def law_function_length(source):
    """Functions stay short."""
    start = None
    for i, line in enumerate(source.lines if source.path.endswith(".c") else [], 1):
        if line == "{":
            start = i
        elif line == "}" and start:
            if i - start - 1 > tables.FUNCTION_LINES_MAX:
                yield start, "found a function of %d lines, expected at most %d" % (
                    i - start - 1, tables.FUNCTION_LINES_MAX)
            start = None


def law_leftovers(source):
    """Nothing unfinished, nothing switched off."""
    if source.path.startswith("tests/lint/"):
        return
    for i, line in enumerate(source.lines, 1):
        m = re.search(r"\b(TODO|FIXME|XXX|HACK)\b|^\s*#\s*if\s+0\b", line)
        if m:
            yield i, "found `%s`: finish it or leave it out" % m.group().strip()


def law_layout(source):
    """Spaces, line ends and columns."""
    if source.is_binary or source.is_link:
        yield 1, "found a %s, expected text files only" % ("link" if source.is_link else "binary")
        return
    for i, line in enumerate(source.lines, 1):
        if line != line.rstrip():
            yield i, "found blanks at the end of the line"
        if source.is_c and "\t" in line:
            yield i, "found a tab, expected spaces"
        if len(line) > tables.COLUMNS_MAX and not matches(source.path, tables.COLUMN_FREE):
            yield i, "found %d columns, expected at most %d" % (len(line), tables.COLUMNS_MAX)
    if source.text and (not source.text.endswith("\n") or source.text.endswith("\n\n")):
        yield len(source.lines), "expected exactly one line end at the end of the file"


def law_words(source):
    """No machine's paths, no makers' names, no registries."""
    for i, line in enumerate(source.lines, 1):
        for word in tables.WORDS:
            if word in line.lower():
                yield i, "found `%s`" % word


def law_packages(source):
    """Debian's packages are listed in one place."""
    if source.path == "deploy/debian-packages.sh" or source.path.startswith("tests/lint/"):
        return
    for i, line in enumerate(source.lines, 1):
        m = re.search(r"\blib[a-z0-9.+-]+-dev\b", line)
        if m:
            yield i, "found %s, expected it only in deploy/debian-packages.sh" % m.group()


def law_python(source):
    """Python is Debian's, by its full path."""
    if source.path.startswith(("deploy/debian-packages.sh", "tests/lint/")) or source.is_c:
        return
    for i, line in enumerate(source.lines, 1):
        if re.search(r"(?<![\w/.-])python3?\s+[\w./-]+\.py|#!(?!/usr/bin/python3\b).*python", line):
            yield i, "expected /usr/bin/python3"


def law_guard(source):
    """A header has a guard, in engine/ named after its path."""
    if not re.match(r"(engine|tests)/.*\.h$", source.path):
        return
    name = r"JOBMILL_TESTS_\w+_H"
    if source.path.startswith("engine/"):
        name = "JOBMILL_" + re.sub(r"\W", "_", source.path[len("engine/"):]).upper()
    if not re.search(r"#ifndef (%s)\n#define \1\n" % name, source.text):
        yield 1, "expected the include guard %s" % name


LAWS = {name[4:].replace("_", "-"): law for name, law in globals().items()
        if name.startswith("law_")}


def files_of(root):
    """What git tracks or would add; without git, everything that is there."""
    try:
        top = subprocess.run(["git", "-C", root, "rev-parse", "--show-toplevel"], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        if os.path.realpath(top.decode().strip()) == os.path.realpath(root):
            out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
                                 check=True, stdout=subprocess.PIPE).stdout
            names = [n for n in out.decode().split("\0") if n]
            return sorted(n for n in set(names) if os.path.lexists(os.path.join(root, n)))
    except (OSError, subprocess.CalledProcessError):
        pass
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [s for s in subfolders if s not in (".git", "build", "var", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


def check(root):
    """All problems of a tree, as (path, line, law, message)."""
    problems = []
    for path in files_of(root):
        source = Source(root, path)
        odd = source.is_binary or source.is_link  # which the layout law refuses
        for name, law in {"layout": law_layout}.items() if odd else LAWS.items():
            problems += [(path, line, name, message) for line, message in law(source)]
    return problems


def main():
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    problems = check(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else here))
    for path, line, law, message in problems:
        print("%s:%d: [%s] %s" % (path, line, law, message))
    print("lint: %d laws, %d problems" % (len(LAWS), len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
