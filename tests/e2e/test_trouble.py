# SPDX-License-Identifier: MIT
"""Handlers that crash, exit and hang; executors and engines that are killed or told to stop."""
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
import lib  # noqa: E402

QUICK = "plugin = behave.so\nbackoff_base = 10ms\nbackoff_cap = 50ms\n"

CONF = """
[engine]
drain = 4s
[pool default]
processes = 1
threads = 3
[pool trouble]
processes = 1
threads = 2
[handler echo]
plugin = behave.so
""" + "".join("[handler %s]\n%spool = trouble\n" % (name, QUICK)
              for name in ("crash", "aborts", "stack", "exits", "ends_thread",
                           "closes_all", "forks", "deaf", "spin", "waits", "leisurely"))


class Trouble(unittest.TestCase):
    def setUp(self):
        self.engine = lib.Engine()
        self.engine.add_plugin(lib.test_plugin("hostile/behave"))
        self.engine.add_conf("trouble", CONF)
        self.engine.start()

    def tearDown(self):
        self.engine.stop()
        self.engine.remove()

    def create(self, job_type, **fields):
        answer = self.engine.request("POST", "/api/v1/jobs", dict(fields, type=job_type))
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["id"]

    def get(self, job_id):
        return self.engine.request("GET", "/api/v1/jobs/" + job_id).json

    def outcomes(self, job_id):
        answer = self.engine.request("GET", "/api/v1/jobs/%s/attempts" % job_id)
        return [row["outcome"] for row in answer.json]

    def assert_echo_works(self):
        job = self.engine.wait(self.create("echo", payload="still here"))
        self.assertEqual(job["result"], "still here")

    def test_every_way_to_end_a_process_is_a_crash_and_the_engine_goes_on(self):
        for job_type in ("crash", "aborts", "stack", "exits", "ends_thread"):
            with self.subTest(job_type):
                job = self.engine.wait(self.create(job_type, max_retries=1))
                self.assertEqual(job["status"], "dead_letter")
                self.assertEqual(self.outcomes(job["id"]), ["crash", "crash"])
                self.assertIn("executor process", job["last_error"])
                self.assert_echo_works()

    def test_a_job_that_keeps_crashing_is_poison(self):
        job = self.engine.wait(self.create("crash", max_retries=50))
        self.assertEqual((job["status"], job["error_code"]), ("dead_letter", "poison"))
        self.assertEqual(self.outcomes(job["id"]), ["crash"] * 3)

    def test_a_run_that_closes_the_sockets_of_its_process_is_charged(self):
        job = self.engine.wait(self.create("closes_all", max_retries=50), seconds=20)
        self.assertEqual((job["status"], job["error_code"]), ("dead_letter", "poison"))

    def test_crashing_jobs_do_not_hold_up_their_pool(self):
        jobs = [self.create("crash", max_retries=5) for _ in range(10)]
        jobs.append(self.create("forks"))
        for job_id in jobs:  # 30 processes die young; waiting before each new one took minutes
            self.engine.wait(job_id, seconds=40)

    def test_a_child_process_that_exits_is_nobodys_crash(self):
        self.assertEqual(self.engine.wait(self.create("forks"))["status"], "completed")

    def test_jobs_of_a_killed_executor_are_retried(self):
        ids = [self.create("spin", max_retries=1, timeout_ms=2000) for _ in range(2)]
        for job_id in ids:
            self.engine.wait(job_id, until=("running",))
        time.sleep(0.2)
        for pid in self.engine.executors():
            os.kill(pid, signal.SIGKILL)
        for job_id in ids:
            job = self.engine.wait(job_id)
            self.assertEqual(self.outcomes(job_id), ["crash", "timeout"])
        self.assert_echo_works()

    def test_a_run_that_can_be_asked_stops_at_its_timeout(self):
        for job_type in ("spin", "waits", "leisurely"):
            job = self.engine.wait(self.create(job_type, max_retries=0, timeout_ms=300))
            self.assertEqual((job["status"], job["error_code"]), ("dead_letter", "timeout"))

    def test_a_deaf_run_is_killed_and_its_neighbour_is_not_charged(self):
        deaf = self.create("deaf", max_retries=0, timeout_ms=300)
        neighbour = self.create("spin", max_retries=0, timeout_ms=20000)
        self.assertEqual(self.engine.wait(deaf, seconds=20)["error_code"], "timeout")
        self.engine.wait(neighbour, until=("running",))
        self.assertEqual(self.outcomes(neighbour), ["given_back"])
        self.assertEqual(self.get(neighbour)["attempt"], 1)
        self.assert_echo_works()

    def test_a_deaf_run_on_an_idle_engine_is_killed_on_time(self):
        began = time.monotonic()
        job = self.engine.wait(self.create("deaf", max_retries=0, timeout_ms=300), seconds=20)
        self.assertEqual(job["error_code"], "timeout")
        self.assertLess(time.monotonic() - began, 7)  # 300 ms, and 5 s from asking to killing

    def test_a_hung_pool_does_not_hold_up_another(self):
        for _ in range(5):
            self.create("deaf", timeout_ms=60000)
        for _ in range(20):
            self.assert_echo_works()

    def test_sigterm_lets_running_jobs_end(self):
        job_id = self.create("spin", max_retries=0, timeout_ms=1500)
        self.engine.wait(job_id, until=("running",))
        self.assertEqual(self.engine.stop(), 0)
        self.engine.start()
        self.assertEqual(self.get(job_id)["error_code"], "timeout")  # it ended by itself

    def test_a_second_sigterm_hurries_and_charges_nobody(self):
        job_id = self.create("deaf", max_retries=0, timeout_ms=60000)
        self.engine.wait(job_id, until=("running",))
        self.engine.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertIsNone(self.engine.process.poll())
        began = time.monotonic()
        self.assertEqual(self.engine.stop(), 0)
        self.assertLess(time.monotonic() - began, 3)  # not the whole drain
        self.engine.start()
        job = self.engine.wait(job_id, until=("running",))
        self.assertEqual(job["attempt"], 1)

    def test_a_killed_engine_leaves_no_executor_and_loses_no_job(self):
        job_id = self.create("deaf", max_retries=0, timeout_ms=60000)
        self.engine.wait(job_id, until=("running",))
        executors = self.engine.executors()
        self.assertTrue(executors)
        self.engine.kill()
        self.engine.start()  # waits until they are gone
        for pid in executors:
            self.assertFalse(os.path.exists("/proc/%d" % pid) and lib.is_running(pid))
        job = self.engine.wait(job_id, until=("running",))
        self.assertEqual(job["attempt"], 1)  # a lost node is not the job's fault
        self.assertEqual(self.outcomes(job_id), ["lost"])

    def test_a_second_engine_on_the_same_store_is_refused(self):
        second = subprocess.run([lib.JOBMILL, "serve", "-c", self.engine.conf_dir],
                                env=self.engine.environment, capture_output=True, text=True,
                                timeout=30)
        self.assertEqual(second.returncode, 69, second.stderr)
        self.assertIn(str(self.engine.process.pid), second.stderr)
        self.assert_echo_works()

    def test_sighup_loses_nothing(self):
        self.engine.process.send_signal(signal.SIGHUP)
        self.assert_echo_works()


def read(path):
    with open(path) as f:
        return f.read()


class Law5(unittest.TestCase):
    """Foreign code never runs in the engine; executors hold no store and no credential."""

    def test_what_is_mapped_and_inherited(self):
        engine = lib.Engine(environment={"REDIS_URL": "", "SECRET_TOKEN": "must-not-leak"})
        engine.add_plugin(lib.shipped_plugin("compute"))
        engine.add_lua(os.path.join(lib.ROOT, "lua-handlers", "hello.lua"))
        engine.start()
        try:
            for job_type in ("compute", "hello"):
                answer = engine.request("POST", "/api/v1/jobs", {"type": job_type})
                self.assertEqual(engine.wait(answer.json["id"])["status"], "completed")
            maps = read("/proc/%d/maps" % engine.process.pid)
            self.assertNotIn("liblua", maps)
            self.assertNotIn("/artifacts/", maps)
            self.assertNotIn("compute.so", maps)
            self.assertTrue(engine.executors())
            for pid in engine.executors():
                maps = read("/proc/%d/maps" % pid)
                for library in ("sqlite", "microhttpd", "libpq", "hiredis", "curl"):
                    self.assertNotIn(library, maps)
                self.assertNotIn("must-not-leak", read("/proc/%d/environ" % pid))
                targets = [os.readlink("/proc/%d/fd/%s" % (pid, fd))
                           for fd in os.listdir("/proc/%d/fd" % pid)]
                self.assertFalse([t for t in targets if "jobmill.db" in t], targets)
        finally:
            engine.stop()
            engine.remove()


if __name__ == "__main__":
    unittest.main()
