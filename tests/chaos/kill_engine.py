#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kill -9 of the engine at random moments under load, then a restart, again and again.

Judged by the effect ledger that the handler writes outside the system: every job that was answered
with 201 ends in exactly one terminal state, and what is recorded is what one of its runs did.

    kill_engine.py [--kills N] [--seed S]
"""
import argparse
import collections
import json
import os
import random
import shutil
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
import lib  # noqa: E402

SENDERS = 3
BULK = 20


class Senders:
    """Threads that enqueue without pause while an engine is there; they remember every 201."""

    def __init__(self, engine, seed):
        self.engine = engine
        self.accepted = {}   # id -> payload
        self.by_key = {}     # key -> ids that it was answered with
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(random.Random(seed + i), i))
                        for i in range(SENDERS)]
        for t in self.threads:
            t.start()

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join()

    def job(self, rng):
        return {"type": "ledger", "max_retries": rng.choice((0, 2, 5)),
                "priority": rng.randint(-5, 5),
                "payload": {"work_us": rng.choice((0, 0, 200, 2000)),
                            "fail_rate": rng.choice((0.0, 0.0, 0.3))},
                "backoff": {"base_ms": 10, "cap_ms": 200}}

    def note(self, job, key):
        with self.lock:
            self.accepted[job["id"]] = job
            if key:
                self.by_key.setdefault(key, set()).add(job["id"])

    def send(self, rng, sender, turn):
        """One request; a single create is sent again with its key until it is answered."""
        if turn % 4 == 0:
            answer = self.engine.request("POST", "/api/v1/jobs/bulk",
                                         {"jobs": [self.job(rng) for _ in range(BULK)]})
            if answer.status == 201:
                for job in answer.json["jobs"]:
                    self.note(job, None)
            return
        job = dict(self.job(rng), idempotency_key="s%d-%d" % (sender, turn))
        while not self.stopping.is_set():
            try:
                answer = self.engine.request("POST", "/api/v1/jobs", job)
            except OSError:
                time.sleep(0.01)
                continue
            if answer.status == 201:
                self.note(answer.json, job["idempotency_key"])
                return
            if answer.status not in (429, 503):
                raise AssertionError("create: %d %s" % (answer.status, answer.body))
            time.sleep(0.01)

    def run(self, rng, sender):
        turn = 0
        while not self.stopping.is_set():
            try:
                self.send(rng, sender, turn)
            except (OSError, lib.http.client.HTTPException):
                time.sleep(0.01)  # the engine was killed; a bulk request is simply lost
            turn += 1


def read_ledger(path):
    """id -> list of (claim, attempt, nonce, how)"""
    runs = collections.defaultdict(list)
    with open(path) as f:
        for line in f:
            job, claim, attempt, nonce, how = line.split()
            runs[job].append((int(claim), int(attempt), int(nonce), how))
    return runs


def all_jobs(engine):
    jobs, path = [], "/api/v1/jobs?limit=1000"
    while path:
        answer = engine.request("GET", path)
        assert answer.status == 200, answer.body
        jobs.extend(answer.json)
        cursor = answer.headers.get("X-Next-Cursor")
        path = "/api/v1/jobs?limit=1000&cursor=" + cursor if cursor else None
    return jobs


def wait_until_over(engine, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        counts = collections.Counter()
        for row in engine.request("GET", "/api/v1/stats").json["counts"]:
            counts[row["status"]] += row["n"]
        if not any(counts[s] for s in ("pending", "queued", "running", "retrying")):
            return
        time.sleep(0.1)
    raise AssertionError("jobs are still open after %d s: %s" % (seconds, counts))


def judge(engine, senders, ledger):
    jobs = all_jobs(engine)
    by_id = {job["id"]: job for job in jobs}
    problems = []
    if len(by_id) != len(jobs):
        problems.append("%d jobs are listed twice" % (len(jobs) - len(by_id)))
    for key, ids in senders.by_key.items():
        if len(ids) != 1:
            problems.append("key %s was answered with %d jobs" % (key, len(ids)))
    for job_id in senders.accepted:
        if job_id not in by_id:
            problems.append("%s was accepted and is lost" % job_id)
    for job_id, job in by_id.items():
        runs = ledger[job_id]
        nonces = {nonce for _, _, nonce, how in runs if how == "ok"}
        claims = [claim for claim, _, _, _ in runs]
        if len(set(claims)) != len(claims):
            problems.append("%s ran twice under one claim" % job_id)
        if job["status"] == "completed":
            if job["result"]["nonce"] not in nonces:
                problems.append("%s has a result that no run produced" % job_id)
        elif job["status"] == "dead_letter":
            if len(runs) < job["max_retries"] + 1 and job["error_code"] == "error":
                problems.append("%s is dead after %d runs" % (job_id, len(runs)))
        else:
            problems.append("%s is %s at the end" % (job_id, job["status"]))
    done = sum(row["n"] for row in engine.request("GET", "/api/v1/stats").json["counts"]
               if row["status"] == "completed")
    completed = sum(job["status"] == "completed" for job in jobs)
    if done != completed:
        problems.append("%d completions were counted for %d completed jobs" % (done, completed))
    return len(jobs), problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2 ** 32))
    args = parser.parse_args()
    print("kill_engine: seed %d, %d kills" % (args.seed, args.kills), flush=True)
    rng = random.Random(args.seed)
    engine = lib.Engine(log_level="warn")
    engine.add_plugin(lib.test_plugin("chaos/ledger"))
    ledger = os.path.join(engine.folder, "ledger")
    engine.add_conf("ledger", "[handler ledger]\nplugin = ledger.so\nconfig.file = %s\n" % ledger)
    engine.start()
    senders = Senders(engine, args.seed)
    try:
        for _ in range(args.kills):
            time.sleep(rng.uniform(0.05, 1.5))
            engine.kill()
            engine.start()
    finally:
        senders.stop()
    wait_until_over(engine, 120)
    total, problems = judge(engine, senders, read_ledger(ledger))
    engine.stop()
    for problem in problems[:20]:
        print("kill_engine: " + problem)
    print("kill_engine: %d jobs, %d accepted, %d kills, %d problems"
          % (total, len(senders.accepted), args.kills, len(problems)))
    if problems:
        print("kill_engine: kept %s" % engine.folder)
        return 1
    engine.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
