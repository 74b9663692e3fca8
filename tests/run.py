#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs test programs one by one, each with a time limit, and counts.

    run.py [--limit SECONDS] [--flavour NAME] PROGRAM...

A PROGRAM may carry arguments ("kill_engine.py --kills 5"); .py files are run by this interpreter.
One line per program, the output of those that failed, and at the end a line of its own:
`N passed, N failed`, counted in single tests where a program tells (cmocka, unittest).
"""
import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

OUTPUT_SHOWN = 30000  # bytes of a failed program's output

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    # an executor that cannot start ends with its threads unjoined
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:report_thread_leaks=0",
}
# What is a failure in whichever process it was found. Not here: SEGV and stack-overflow, which some
# handlers of the tests bring about on purpose, and leaks of their forked children.
REPORT = re.compile(r"ERROR: AddressSanitizer: (?!SEGV|ABRT|BUS|FPE|ILL|TRAP|stack-overflow)\w"
                    r"|runtime error: |WARNING: ThreadSanitizer")


def count(output, succeeded):
    """(passed, failed) of one program; a program that does not tell is one test."""
    total = sum(int(n) for n in re.findall(r"^\[==========\] (\d+) test\(s\) run", output, re.M))
    failed = sum(int(n) for n in re.findall(r"^\[  FAILED  \] (\d+) test\(s\)", output, re.M))
    total += sum(int(n) for n in re.findall(r"^Ran (\d+) tests? in ", output, re.M))
    for detail in re.findall(r"^FAILED \((.*)\)$", output, re.M):
        failed += sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", detail))
    if not succeeded:
        failed = max(failed, 1)
    total = max(total, failed, 1)
    return total - failed, failed


def seeds(output):
    """The seeds that a program printed, so that a run can be repeated."""
    found = re.findall(r"seed\W{1,2}(\d+)", output, re.I)
    return "  seed " + " ".join(found) if found else ""


def kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def reports_in(folder):
    """What sanitizers wrote there: (all of it, whether it is a failure)."""
    text = ""
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
            text += f.read()
    return text, bool(REPORT.search(text))


def run_one(command, limit, environment):
    """Returns (output, reason): reason is empty when the program exited 0 within the limit and no
    sanitizer found anything in it or in a process that it started."""
    with tempfile.TemporaryDirectory() as reports, tempfile.TemporaryFile() as out:
        environment = dict(environment)
        for variable, options in SANITIZER_OPTIONS.items():
            environment[variable] = "%s:log_path=%s/report" % (
                environment.get(variable, options), reports)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True,
                                   env=environment)
        try:
            code = process.wait(timeout=limit)
            reason = "" if code == 0 else "exit code %d" % code
            if code < 0:
                reason = "signal %s" % signal.Signals(-code).name
        except subprocess.TimeoutExpired:
            reason = "still running after %d s" % limit
        kill_group(process)  # also what a test left behind
        process.wait()
        out.seek(0)
        output = out.read().decode("utf-8", "replace")
        text, bad = reports_in(reports)
        if bad and not reason:
            reason = "a sanitizer's report"
        return (output + text if reason else output), reason


def name_of(command):
    path = os.path.relpath(command[-1] if len(command) == 1 else command[0])
    return re.sub(r"^build/[^/]+/obj/tests/|^tests/", "", path)


def run_all(programs, limit, flavour):
    """Runs them; prints; returns (passed, failed)."""
    passed = failed = 0
    for program in programs:
        command = shlex.split(program)
        name = name_of(command)
        if command[0].endswith(".py"):
            command.insert(0, sys.executable)
        began = time.monotonic()
        output, reason = run_one(command, limit, os.environ)
        good, bad = count(output, not reason)
        passed += good
        failed += bad
        print("%-4s %-7s %-36s %3d tests %7.2f s%s" % (
            "FAIL" if bad else "ok", flavour, name, good + bad, time.monotonic() - began,
            "  " + reason if reason else seeds(output)), flush=True)
        if bad:
            cut = output[-OUTPUT_SHOWN:]
            print("".join("     | %s\n" % line for line in cut.splitlines()), flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit", type=int, default=120)
    parser.add_argument("--flavour", default="release")
    parser.add_argument("--tally", help="also append the two numbers to this file")
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    passed, failed = run_all(args.programs, args.limit, args.flavour)
    if args.tally:
        with open(args.tally, "a", encoding="ascii") as f:
            f.write("%d %d\n" % (passed, failed))
    if not args.programs:
        print("nothing to run")
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
