# SPDX-License-Identifier: MIT
"""How runs end, seen from outside: results, retries, dead letters, progress, logs."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
import lib  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))

QUICK = "backoff_base = 10ms\nbackoff_cap = 50ms\n"

CONF = """
[handler echo]
plugin = behave.so
[handler returns]
plugin = behave.so
%(quick)s
[handler silent]
plugin = behave.so
%(quick)s
[handler bad_result]
plugin = behave.so
max_retries = 0
[handler chatter]
plugin = behave.so
[handler progress]
plugin = behave.so
[handler tell]
plugin = behave.so
config.word = from the configuration
[handler lua-echo]
lua = echo.lua
[handler flaky]
plugin = flaky.so
%(quick)s
""" % {"quick": QUICK}

# What must survive the trip through a handler: 64-bit integers, empty containers, null, Unicode.
DOCUMENTS = [
    None, True, False, 0, -1, 9223372036854775807, -9223372036854775808, 9007199254740993,
    0.5, 1.0, 1e300, -2.5e-10, "", "text", "\u00e4\u20ac\U0001F600 \u2028 \\ \" / \t\n\r\b\f \x01",
    [], {}, [[]], [{}], {"a": []}, {"a": {}}, {"": None}, [None, None],
    {"deep": [[[[[[1, [2, {"x": [None]}]]]]]]], "n": 1234567890123456789},
    {"\u00fc": "\u6f22\u5b57", "emoji\U0001F680": ["\ufffd", "\uffff", "\U0010FFFF"]},
]


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = lib.Engine()
        cls.engine.add_plugin(lib.test_plugin("hostile/behave"))
        cls.engine.add_plugin(lib.shipped_plugin("flaky"))
        cls.engine.add_lua(os.path.join(HERE, "echo.lua"))
        cls.engine.add_conf("runs", CONF)
        cls.engine.start()

    @classmethod
    def tearDownClass(cls):
        cls.engine.stop()
        cls.engine.remove()

    def create(self, job_type, **fields):
        answer = self.engine.request("POST", "/api/v1/jobs", dict(fields, type=job_type))
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["id"]

    def run_job(self, job_type, **fields):
        return self.engine.wait(self.create(job_type, **fields))

    def attempts(self, job_id):
        return self.engine.request("GET", "/api/v1/jobs/%s/attempts" % job_id).json

    def test_documents_survive_a_c_plugin(self):
        for document in DOCUMENTS:
            job = self.run_job("echo", payload=document)
            self.assertEqual(job["status"], "completed")
            self.assertEqual(json.dumps(job["result"]), json.dumps(document))

    def test_documents_survive_a_lua_script(self):
        for document in DOCUMENTS:
            job = self.run_job("lua-echo", payload={"it": document})
            self.assertEqual(job["status"], "completed", job["last_error"])
            self.assertEqual(json.dumps(job["result"]["it"], sort_keys=True),
                             json.dumps(document, sort_keys=True))

    def test_the_payload_is_stored_byte_for_byte(self):
        text = '{ "b" : 1.10,\t"a":[ 1e2 ,"\\u0041" ] }'
        answer = self.engine.request("POST", "/api/v1/jobs", '{"type":"echo","payload":%s}' % text)
        self.engine.wait(answer.json["id"])
        job = self.engine.request("GET", "/api/v1/jobs/" + answer.json["id"])
        self.assertIn(text, job.body.decode())

    def test_max_retries_2_is_three_runs(self):
        job = self.run_job("silent", payload=1, max_retries=2)
        self.assertEqual((job["status"], job["attempt"]), ("dead_letter", 3))
        self.assertEqual([a["attempt"] for a in self.attempts(job["id"])], [1, 2, 3])

    def test_max_retries_0_is_one_run(self):
        job = self.run_job("silent", payload=1, max_retries=0)
        self.assertEqual((job["status"], job["attempt"]), ("dead_letter", 1))

    def test_a_permanent_failure_skips_the_rest(self):
        job = self.run_job("silent", payload=2, max_retries=5)
        self.assertEqual((job["status"], job["attempt"]), ("dead_letter", 1))
        self.assertEqual(job["error_code"], "permanent")

    def test_attempts_keep_their_errors(self):
        job = self.run_job("returns", payload=2)
        rows = self.attempts(job["id"])
        self.assertEqual(len(rows), 1)
        self.assertEqual(rows[0]["outcome"], "permanent")
        self.assertIn("bad", rows[0]["error"])
        self.assertEqual(job["last_error"], rows[0]["error"])

    def test_a_retry_hint_replaces_the_back_off(self):
        job_id = self.create("returns", payload=1, max_retries=1)
        job = self.engine.wait(job_id, until=("retrying",))
        waited = lib.ms(job["scheduled_at"]) - lib.ms(job["updated_at"])
        self.assertAlmostEqual(waited, 1500, delta=5)
        rows = self.attempts(job_id)
        self.assertEqual(rows[0]["retry_delay_ms"], 1500)
        self.assertEqual(self.engine.wait(job_id)["status"], "dead_letter")

    def test_a_result_that_is_not_json_is_a_failed_attempt(self):
        job = self.run_job("bad_result", payload=False)
        self.assertEqual((job["status"], job["error_code"]), ("dead_letter", "bad_result"))
        self.assertIsNone(job["result"])
        job = self.run_job("bad_result", payload=True)
        self.assertEqual((job["status"], job["result"]), ("completed", 2))

    def test_the_last_progress_stays_with_the_job(self):
        job = self.run_job("progress")
        self.assertEqual(job["status"], "completed")
        self.assertGreater(job["progress"]["percent"], 0)
        self.assertEqual(job["progress"]["message"], "step")

    def test_log_lines_carry_the_job_and_are_bounded(self):
        job = self.run_job("chatter")
        self.assertEqual(job["status"], "completed")
        lines = [line for line in self.engine.log_lines() if job["id"] in line]
        self.assertGreater(len(lines), 10)
        self.assertLess(len(lines), 1000)
        self.assertTrue(any("dropped" in line for line in lines), lines[-1])

    def test_a_handler_sees_its_metadata_and_configuration(self):
        job = self.run_job("tell", tags=["one", "two"], timeout_ms=60000)
        result = job["result"]
        self.assertEqual(result["word"], "from the configuration")
        self.assertEqual(result["tags"], ["one", "two"])
        self.assertEqual((result["attempt"], result["claim"], result["step"]), (1, 1, -1))
        self.assertEqual(result["id"], job["id"])
        self.assertTrue(0 < result["left"] <= 60000)

    def test_flaky_jobs_end_somehow(self):
        ids = [self.create("flaky", payload={"failure_rate": 0.5}, max_retries=2)
               for _ in range(100)]
        states = [self.engine.wait(i)["status"] for i in ids]
        self.assertEqual(set(states) - {"completed", "dead_letter"}, set())
        self.assertGreater(states.count("completed"), 60)   # expected 87.5
        self.assertGreater(states.count("dead_letter"), 0)  # none at all: 1 in 600,000

    def test_a_delayed_job_is_not_handed_out_early(self):
        job_id = self.create("echo", delay_ms=700)
        job = self.engine.request("GET", "/api/v1/jobs/" + job_id).json
        self.assertEqual(job["status"], "pending")
        job = self.engine.wait(job_id)
        self.assertGreaterEqual(lib.ms(job["started_at"]), lib.ms(job["scheduled_at"]))

    def test_a_dead_letter_runs_again_with_another_payload(self):
        job = self.run_job("silent", payload=2)
        self.assertEqual(job["status"], "dead_letter")
        answer = self.engine.request("POST", "/api/v1/jobs/%s/retry" % job["id"], {"payload": 0})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json["id"], job["id"])
        again = self.engine.wait(job["id"])
        self.assertEqual((again["status"], again["payload"]), ("completed", 0))
        self.assertEqual(len(self.attempts(job["id"])), 1)  # what failed before is still there

    def test_a_finished_job_runs_again_as_a_new_one(self):
        job = self.run_job("echo", payload=[1])
        answer = self.engine.request("POST", "/api/v1/jobs/%s/retry" % job["id"], {})
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(answer.json["retry_of"], job["id"])
        self.assertEqual(self.engine.wait(answer.json["id"])["result"], [1])


if __name__ == "__main__":
    unittest.main()
