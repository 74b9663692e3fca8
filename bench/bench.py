#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The bench: every figure beside its limit, measured in the same run on the same machine.

Run by `make bench`. Needs wrk. Prints a table in Markdown; `--quick` uses smaller numbers.
"""
import argparse
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")

CONF = """[engine]
plugin_dir = {folder}/plugins
lua_dir = {folder}/lua
data_dir = {folder}/data
log_level = warn
[api]
listen = 127.0.0.1:0
unknown_types = accept
[pool default]
processes = 2
threads = 2
"""


class Engine:
    """One engine in a throw-away folder; handlers can be added between two starts."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="jobmill-bench-")
        for name in ("plugins", "lua", "conf.d"):
            os.mkdir(os.path.join(self.folder, name))
        with open(os.path.join(self.folder, "conf.d", "00.ini"), "w") as f:
            f.write(CONF.format(folder=self.folder))
        self.process = None

    def add(self, path, folder):
        shutil.copy(path, os.path.join(self.folder, folder))

    def start(self):
        """Starts it; returns how long it took until /ready said yes, in ms."""
        address = os.path.join(self.folder, "data", "run", "api.addr")
        if os.path.exists(address):
            os.unlink(address)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "jobmill"), "serve", "-c", os.path.join(self.folder, "conf.d")])
        while True:
            if self.process.poll() is not None:
                sys.exit("the engine did not start")
            try:
                with open(address) as f:
                    self.host, self.port = f.read().strip().rsplit(":", 1)
                if self.get("/ready")[0] == 200:
                    return (time.monotonic() - began) * 1000
            except (OSError, ValueError):
                pass
            time.sleep(0.001)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def remove(self):
        shutil.rmtree(self.folder)

    def connection(self):
        return http.client.HTTPConnection(self.host, int(self.port), timeout=60)

    def get(self, path):
        c = self.connection()
        c.request("GET", path)
        answer = c.getresponse()
        body = answer.read()
        c.close()
        return answer.status, json.loads(body)

    def url(self, path):
        return "http://%s:%s%s" % (self.host, self.port, path)


def wrk(url, script, connections, seconds):
    """Answers per second of `wrk`, and how many were not 2xx."""
    out = subprocess.run(
        ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "-s", script, url],
        check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return rate, int(bad.group(1)) if bad else 0


def wrk_script(folder, body):
    path = os.path.join(folder, "post.lua")
    with open(path, "w") as f:
        f.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
                "wrk.body = %s\n" % json.dumps(body))
    return path


SINGLE = json.dumps({"type": "noop", "payload": {"load_test": True, "index": 5, "text": "x" * 64}})


def bench_creates(seconds):
    """Single POSTs at 100 connections, fsync on, beside a bare server with the same answer."""
    engine = Engine()
    engine.start()
    script = wrk_script(engine.folder, SINGLE)
    connection = engine.connection()
    connection.request("POST", "/api/v1/jobs", SINGLE, {"Content-Type": "application/json"})
    answer = connection.getresponse().read()
    body = os.path.join(engine.folder, "answer.json")
    with open(body, "wb") as f:
        f.write(answer)
    bare = subprocess.Popen([os.path.join(BUILD, "bench", "bare_mhd"), "0", body],
                            stdout=subprocess.PIPE, text=True)
    port = bare.stdout.readline().strip()
    ratios, ours, limits = [], [], []
    for _ in range(3):  # in turn, so that a drifting machine hits both
        limit, _bad = wrk("http://127.0.0.1:%s/api/v1/jobs" % port, script, 100, seconds)
        rate, bad = wrk(engine.url("/api/v1/jobs"), script, 100, seconds)
        if bad:
            sys.exit("creates: %d answers were not 201" % bad)
        ratios.append(rate / limit)
        ours.append(rate)
        limits.append(limit)
    bare.terminate()
    bare.wait()
    engine.stop()
    engine.remove()
    return statistics.median(ours), statistics.median(limits), statistics.median(ratios)


def bench_creates_draining(seconds):
    """The same while workers drain what arrives."""
    engine = Engine()
    engine.add(os.path.join(BUILD, "plugins", "noop.so"), "plugins")
    engine.start()
    rate, bad = wrk(engine.url("/api/v1/jobs"), wrk_script(engine.folder, SINGLE), 100, seconds)
    engine.stop()
    engine.remove()
    if bad:
        sys.exit("creates while draining: %d answers were not 201" % bad)
    return rate


def bench_bulk(seconds):
    engine = Engine()
    engine.start()
    body = json.dumps({"jobs": [json.loads(SINGLE)] * 1000})
    rate, bad = wrk(engine.url("/api/v1/jobs/bulk"), wrk_script(engine.folder, body), 4, seconds)
    engine.stop()
    engine.remove()
    if bad:
        sys.exit("bulk creates: %d answers were not 201" % bad)
    return rate * 1000


def fill(engine, job_type, count):
    connection = engine.connection()
    for _ in range(count // 1000):
        jobs = [{"type": job_type, "payload": {"index": i}} for i in range(1000)]
        connection.request("POST", "/api/v1/jobs/bulk", json.dumps({"jobs": jobs}),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            sys.exit("bulk create: %d" % answer.status)
    connection.close()


def bench_drain(job_type, artifact, folder, count):
    """Fills the store while nobody serves the type, then times how fast it empties."""
    engine = Engine()
    engine.start()
    fill(engine, job_type, count)
    engine.stop()
    engine.add(artifact, folder)
    engine.start()
    began = time.monotonic()
    first = None
    while True:
        stats = engine.get("/api/v1/stats")[1]
        left = stats["backlog"] + stats["running"]
        now = time.monotonic()
        if first is None:
            first, began = left, now
        if left == 0:
            break
        time.sleep(0.01)
    engine.stop()
    engine.remove()
    return first / (now - began)


def bench_latency(count):
    """To the handler's first instruction, one job at a time: from just before the POST, and from
    the moment its 201 has arrived."""
    engine = Engine()
    engine.add(os.path.join(BUILD, "bench", "stamp.so"), "plugins")
    engine.start()
    connection = engine.connection()
    from_post, from_201 = [], []
    for _ in range(count):
        sent = time.time_ns()
        connection.request("POST", "/api/v1/jobs", '{"type":"stamp"}',
                           {"Content-Type": "application/json"})
        answer = connection.getresponse().read()
        answered = time.time_ns()
        job = json.loads(answer)
        while job["status"] != "completed":
            time.sleep(0.01)  # asking without pause would compete with what is measured
            connection.request("GET", "/api/v1/jobs/" + job["id"])
            job = json.loads(connection.getresponse().read())
        from_post.append((int(job["result"]) - sent) / 1e6)
        from_201.append((int(job["result"]) - answered) / 1e6)
    connection.close()
    engine.stop()
    engine.remove()
    return [(sorted(took)[len(took) // 2], sorted(took)[int(len(took) * 0.99)])
            for took in (from_post, from_201)]


def cpu_ms(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def status_field(pid, name):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"^%s:\s+(\d+)" % name, f.read(), re.M).group(1))


def bench_idle(seconds):
    """The shipped configuration: time to ready, memory, and what an idle engine uses."""
    engine = Engine()
    for name in os.listdir(os.path.join(BUILD, "plugins")):
        engine.add(os.path.join(BUILD, "plugins", name), "plugins")
    for name in os.listdir(os.path.join(ROOT, "lua-handlers")):
        engine.add(os.path.join(ROOT, "lua-handlers", name), "lua")
    engine.start()
    engine.stop()
    ready = []
    for _ in range(5):
        ready.append(engine.start())
        engine.stop()
    engine.start()
    time.sleep(1)
    pid = engine.process.pid
    before = cpu_ms(pid), status_field(pid, "voluntary_ctxt_switches")
    time.sleep(seconds)
    cpu = (cpu_ms(pid) - before[0]) / seconds
    rss = status_field(pid, "VmRSS") / 1024
    engine.stop()
    engine.remove()
    return statistics.median(ready), rss, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller numbers, rougher figures")
    quick = parser.parse_args().quick
    seconds = 2 if quick else 8
    count = 10000 if quick else 50000
    rows = []
    rate, limit, ratio = bench_creates(seconds)
    rows.append(("creates/s, single POSTs, 100 connections, no workers", "%d" % rate,
                 "bare libmicrohttpd, same answer: %d/s" % limit, "%.0f %%" % (100 * ratio)))
    draining = bench_creates_draining(seconds)
    rows.append(("the same while workers drain them", "%d" % draining, "as above",
                 "%.0f %%" % (100 * draining / limit)))
    rows.append(("bulk creates/s, 1000 per request, 4 connections", "%d" % bench_bulk(seconds),
                 "", ""))
    for title, kind, path, folder in (
            ("C", "noop", os.path.join(BUILD, "plugins", "noop.so"), "plugins"),
            ("Lua", "lua-noop", os.path.join(ROOT, "lua-handlers", "lua_noop.lua"), "lua")):
        rows.append(("drain of %d no-op jobs, %s, jobs/s" % (count, title),
                     "%d" % bench_drain(kind, path, folder, count), "aim: 20000", ""))
    from_post, from_201 = bench_latency(200 if quick else 1000)
    rows.append(("sending the POST to start, idle engine, p50 / p99, ms",
                 "%.2f / %.2f" % from_post, "", ""))
    rows.append(("its 201 to start, idle engine, p50 / p99, ms", "%.2f / %.2f" % from_201,
                 "aim: p50 < 1", ""))
    ready, rss, cpu = bench_idle(5 if quick else 20)
    rows.append(("start to ready, every shipped handler, ms", "%.0f" % ready, "aim: < 100", ""))
    rows.append(("resident memory of the idle engine, MiB", "%.1f" % rss, "aim: < 20", ""))
    rows.append(("CPU of the idle engine, ms per second", "%.2f" % cpu, "aim: near 0", ""))
    print("| what | figure | limit | share |\n|---|---|---|---|")
    for row in rows:
        print("| %s |" % " | ".join(row))


if __name__ == "__main__":
    main()
