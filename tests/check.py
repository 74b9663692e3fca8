#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make check`: every test in its short form, flavour by flavour; the last line is the total.

A stage that cannot be built or run counts as one failed test, and the others still run. With CI set
in the environment the release flavour's warnings are errors (sanitizers confuse gcc's flow
analysis). JOBS says how many compilers run at once (2), STAGE chooses stages by a pattern.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

MAKE = os.environ.get("MAKE", "make")
JOBS = os.environ.get("JOBS", "2")

# title, make targets, variables; the targets of one stage run in order, built in parallel
STAGES = [
    ("build", ["tests"], []),
    ("laws and static analysis", ["lint"], []),
    ("law 5 at link time", ["linkage"], []),
    ("unit tests and store conformance", ["unit"], []),
    ("end to end", ["api"], []),
    ("kill -9 under load", ["chaos"], []),
    ("installation", ["install-test"], []),
    ("unit tests under ASan and UBSan", ["unit"], ["FLAVOUR=asan"]),
    ("end to end under ASan and UBSan", ["api"], ["FLAVOUR=asan"]),
    ("threads under TSan", ["tsan"], ["FLAVOUR=tsan"]),
]


def tally_of(path):
    passed = failed = 0
    with open(path, encoding="ascii") as f:
        for line in f:
            passed += int(line.split()[0])
            failed += int(line.split()[1])
    return passed, failed


def run_stage(title, targets, variables):
    """Returns (passed, failed)."""
    print("\n== %s" % title, flush=True)
    began = time.monotonic()
    with tempfile.NamedTemporaryFile() as tally:
        if os.environ.get("CI") and not variables:
            variables = ["WERROR=1"]
        variables = variables + ["TALLY=" + tally.name]
        code = subprocess.run([MAKE, "--no-print-directory", "-j" + JOBS] + targets + variables,
                              stdin=subprocess.DEVNULL, check=False).returncode
        passed, failed = tally_of(tally.name)
    if code == 0 and passed + failed == 0:
        passed = 1  # a stage that only builds or only judges
    if code != 0 and failed == 0:
        print("FAIL the stage itself: %s" % title)
        failed = 1
    print("   %d s" % (time.monotonic() - began), flush=True)
    return passed, failed


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    # an outer make's flags (its job server, its variables) must not leak into the stages
    for name in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES"):
        os.environ.pop(name, None)
    only = re.compile(os.environ.get("STAGE", ""))
    passed = failed = 0
    broken = []
    for title, targets, variables in STAGES:
        if not only.search(title):
            continue
        good, bad = run_stage(title, targets, variables)
        passed += good
        failed += bad
        if bad:
            broken.append(title)
    print()
    for title in broken:
        print("failed: %s" % title)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
