# SPDX-License-Identifier: MIT
"""Creating, reading, listing, deleting and retrying jobs."""
import concurrent.futures
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib  # noqa: E402

REFERENCE_FIELDS = {"id", "idempotency_key", "workflow_id", "step_index", "type", "payload",
                    "status", "attempt", "max_retries", "last_error", "worker_id", "created_at",
                    "updated_at", "scheduled_at", "started_at", "completed_at"}
NO_JOB = "01980000-0000-7000-8000-000000000000"


class Case(unittest.TestCase):
    """One engine per class."""

    @classmethod
    def setUpClass(cls):
        cls.engine = lib.Engine()
        cls.engine.add_lua(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                        "handlers.lua"))
        cls.engine.start()

    @classmethod
    def tearDownClass(cls):
        code = cls.engine.stop()
        log = cls.engine.log_text()
        cls.engine.remove()
        if code != 0:
            raise AssertionError("the engine exited with %s:\n%s" % (code, log[-8000:]))

    def post(self, body, **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.engine.request("POST", "/api/v1/jobs", body, headers)

    def create(self, job_type="echo", **fields):
        answer = self.post(dict(fields, type=job_type))
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json

    def get(self, target, status=200):
        answer = self.engine.request("GET", target)
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def assert_problem(self, answer, status, code, *pointers):
        self.assertEqual((answer.status, answer.json["code"]), (status, code), answer.body)
        self.assertEqual([e["pointer"] for e in answer.json.get("errors", [])], list(pointers))


class Create(Case):
    def test_what_comes_back(self):
        answer = self.post({"type": "echo", "payload": {"channel": "slack"}})
        job = answer.json
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.headers["Location"], "/api/v1/jobs/" + job["id"])
        self.assertLessEqual(REFERENCE_FIELDS, set(job))
        self.assertEqual((job["status"], job["queue"], job["tags"]), ("queued", "default", []))
        self.assertEqual(self.get("/api/v1/jobs/" + job["id"])["payload"], {"channel": "slack"})

    def test_every_field(self):
        job = self.create(payload=[1, {"a": None}], max_retries=0, queue="q.1", priority=-7,
                          delay_ms=3600000, timeout_ms=5000, idempotency_key="every field",
                          tags=["a=b", "c d"],
                          backoff={"base_ms": 10, "cap_ms": 20, "factor": 1.5, "jitter": 0})
        self.assertEqual(job["status"], "pending")
        self.assertEqual((job["max_retries"], job["queue"], job["priority"], job["timeout_ms"]),
                         (0, "q.1", -7, 5000))
        self.assertEqual(job["tags"], ["a=b", "c d"])
        self.assertEqual(lib.ms(job["scheduled_at"]) - lib.ms(job["created_at"]), 3600000)

    def test_run_at(self):
        job = self.create(run_at="2099-01-01T02:00:00+02:00")
        self.assertEqual((job["status"], job["scheduled_at"]),
                         ("pending", "2099-01-01T00:00:00.000Z"))
        self.assertEqual(self.create(run_at="2001-01-01T00:00:00Z")["status"], "queued")

    def test_null_is_absent(self):
        job = self.create(max_retries=None, queue=None, tags=None, backoff=None, payload=None)
        self.assertEqual((job["max_retries"], job["queue"], job["payload"]), (3, "default", None))

    def test_payload_is_kept_as_it_was_sent(self):
        text = '{ "n" : 9223372036854775807, "e":[], "u":"\\u00fc", "r":1.50 }'
        answer = self.post('{"type":"echo","delay_ms":60000,"payload":%s}' % text)
        job = self.engine.request("GET", answer.headers["Location"])
        self.assertIn(text.encode(), job.body)

    def test_not_json_is_400(self):
        for body in ("", "{", "nope", '{"type":"echo"}x', '{"type":"echo","type":"echo"}',
                     '{"type":"echo","payload":NaN}', '{"type":"echo","payload":1e999}',
                     '{"type":"echo","payload":9223372036854775808}',
                     '{"type":"echo","payload":"\\u0000"}', '{"type":"echo","payload":"\\ud800"}',
                     b'{"type":"echo","payload":"\xff\xfe"}', b'{"type":"echo"\x00}',
                     '{"type":"echo","payload":%s%s}' % ("[" * 100, "]" * 100)):
            with self.subTest(body=body[:60]):
                self.assert_problem(self.post(body), 400, "invalid_json")

    def test_the_place_is_named(self):
        detail = self.post('{"type":"echo",\n "payload": tru}').json["detail"]
        self.assertIn("line 2", detail)

    def test_no_type_is_400(self):
        for body in ({}, {"payload": 1}, {"type": None}):
            self.assert_problem(self.post(body), 400, "missing_type")
        self.assertIn('did you mean "type"', self.post({"typ": "echo"}).json["detail"])

    def test_wrong_content_is_422_and_names_every_field(self):
        answer = self.post({"type": "echo", "max_retries": -1, "priority": 101, "queue": "a b",
                            "delay_ms": 1.5, "timeout_ms": 0, "tags": ["ok", 7],
                            "idempotency_key": "", "backoff": {"factor": 0.5, "jittr": 1},
                            "retries": 1})
        self.assert_problem(answer, 422, "validation_failed", "/max_retries", "/priority",
                            "/queue", "/delay_ms", "/timeout_ms", "/tags/1", "/idempotency_key",
                            "/backoff/factor", "/backoff/jittr", "/retries")
        self.assertIn('"jitter"', answer.json["errors"][8]["detail"])

    def test_wrong_kinds(self):
        for field, value in (("type", 1), ("queue", {}), ("max_retries", "3"), ("priority", 1e300),
                             ("run_at", "tomorrow"), ("run_at", "1969-12-31T00:00:00Z"),
                             ("tags", "a"), ("tags", ["x"] * 17), ("tags", [""]),
                             ("backoff", []), ("idempotency_key", "k" * 256),
                             ("idempotency_key", "a\nb"), ("type", "a" * 129)):
            with self.subTest(field=field, value=str(value)[:30]):
                answer = self.post({"type": "echo", field: value})
                self.assertEqual(answer.status, 422, answer.body)
                self.assertTrue(answer.json["errors"][0]["pointer"].startswith("/" + field))
        for body in ([], 1, "x", [{"type": "echo"}]):
            self.assert_problem(self.post(lib.json.dumps(body)), 422, "validation_failed", "")

    def test_run_at_and_delay_ms(self):
        answer = self.post({"type": "echo", "run_at": "2099-01-01T00:00:00Z", "delay_ms": 1})
        self.assert_problem(answer, 422, "validation_failed", "/delay_ms")

    def test_unknown_type(self):
        answer = self.post({"type": "ech"})
        self.assert_problem(answer, 422, "unknown_type", "/type")
        self.assertIn("echo", answer.json["known_types"])

    def test_content_type(self):
        for kind in ("application/json", "application/json; charset=utf-8",
                     "application/vnd.x+json"):
            self.assertEqual(self.post('{"type":"echo"}', Content_Type=kind).status, 201)
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            answer = self.post('{"type":"echo"}', Content_Type=kind)
            self.assert_problem(answer, 415, "unsupported_media_type")

    def test_many_at_once_are_all_there(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            jobs = list(pool.map(lambda n: self.create(payload=n, delay_ms=600000, queue="many"),
                                 range(200)))
        listed = self.get("/api/v1/jobs?queue=many&limit=1000")
        self.assertEqual({j["id"] for j in jobs}, {j["id"] for j in listed})
        self.assertEqual(sorted(j["payload"] for j in listed), list(range(200)))


class Idempotency(Case):
    def test_a_replay_returns_the_original(self):
        first = self.post({"type": "echo", "idempotency_key": "k1"})
        again = self.post({"type": "echo", "idempotency_key": "k1"})
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertNotIn("Idempotency-Replayed", first.headers)
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.assertEqual(first.json["id"], again.json["id"])
        self.assertEqual(self.get("/api/v1/jobs/" + again.json["id"])["idempotency_key"], "k1")

    def test_another_body_is_a_mismatch(self):
        self.post({"type": "echo", "idempotency_key": "k2"})
        answer = self.post({"type": "echo", "idempotency_key": "k2", "payload": 1})
        self.assert_problem(answer, 422, "idempotency_mismatch")

    def test_the_header(self):
        first = self.post({"type": "echo"}, Idempotency_Key="k3")
        again = self.post({"type": "echo"}, Idempotency_Key="k3")
        self.assertEqual(first.json["idempotency_key"], "k3")
        self.assertEqual(first.json["id"], again.json["id"])
        both = self.post({"type": "echo", "idempotency_key": "k4"}, Idempotency_Key="k4")
        self.assertEqual(both.status, 201)
        differ = self.post({"type": "echo", "idempotency_key": "k5"}, Idempotency_Key="k6")
        self.assert_problem(differ, 400, "idempotency_key_conflict")
        self.assertEqual(self.post({"type": "echo"}, Idempotency_Key="k" * 256).status, 422)

    def test_a_race_makes_one_job(self):
        body = {"type": "echo", "idempotency_key": "race", "delay_ms": 60000}
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: self.post(body), range(64)))
        self.assertEqual({a.status for a in answers}, {201})
        self.assertEqual(len({a.json["id"] for a in answers}), 1)
        self.assertEqual(sum("Idempotency-Replayed" not in a.headers for a in answers), 1)

    def test_deleting_frees_the_key(self):
        body = {"type": "echo", "idempotency_key": "free", "delay_ms": 60000}
        first = self.post(body).json["id"]
        self.assertEqual(self.engine.request("DELETE", "/api/v1/jobs/" + first).status, 204)
        self.assertNotEqual(self.post(body).json["id"], first)


class Read(Case):
    def test_the_empty_list_is_an_array(self):
        self.assertEqual(self.get("/api/v1/jobs?type=nobody"), [])

    def test_ids(self):
        for bad in ("x", NO_JOB[:-1], NO_JOB + "0", "%20"):
            answer = self.engine.request("GET", "/api/v1/jobs/" + bad)
            self.assert_problem(answer, 400, "invalid_id")
        for method, tail in (("GET", ""), ("DELETE", ""), ("GET", "/attempts"), ("POST", "/retry")):
            answer = self.engine.request(method, "/api/v1/jobs/" + NO_JOB + tail)
            self.assert_problem(answer, 404, "not_found")

    def test_head(self):
        answer = self.engine.request("HEAD", "/api/v1/jobs")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_pages_hold_every_job_once_newest_first(self):
        made = [self.create(queue="pages", delay_ms=60000)["id"] for _ in range(25)]
        target, seen, pages = "/api/v1/jobs?queue=pages&limit=10", [], 0
        while target:
            answer = self.engine.request("GET", target)
            seen += [job["id"] for job in answer.json]
            link = answer.headers.get("Link")
            self.assertEqual(link is None, "X-Next-Cursor" not in answer.headers)
            target = link and link[1:link.index(">")]
            pages += 1
        self.assertEqual(seen, made[::-1])
        self.assertGreaterEqual(pages, 3)

    def test_cursors(self):
        for cursor in ("x", "A" * 24, "AQGiDFe3znZtotnFnXBTQYB-", "%00"):
            answer = self.engine.request("GET", "/api/v1/jobs?cursor=" + cursor)
            self.assertEqual(answer.status, 400, answer.body)

    def test_filters(self):
        a = self.create(queue="f1", tags=["red", "x"], delay_ms=60000)
        b = self.create(queue="f1", tags=["blue"], delay_ms=60000)
        c = self.create("dead", queue="f1")
        self.engine.wait(c["id"])

        def ids(query):
            return [job["id"] for job in self.get("/api/v1/jobs?queue=f1&" + query)]
        self.assertEqual(ids("tag=red"), [a["id"]])
        self.assertEqual(ids("status=pending"), [b["id"], a["id"]])
        self.assertEqual(ids("status=failed"), [c["id"]])
        self.assertEqual(ids("status=dead_letter,pending"), [c["id"], b["id"], a["id"]])
        self.assertEqual(ids("status=dead_letter&status=pending"), [c["id"], b["id"], a["id"]])
        self.assertEqual(ids("error_code=permanent"), [c["id"]])
        self.assertEqual(ids("type=dead"), [c["id"]])
        self.assertEqual(ids("worker_id=" + self.get("/api/v1/jobs/" + c["id"])["worker_id"]),
                         [c["id"]])
        self.assertEqual(ids("created_before=" + a["created_at"]), [])
        self.assertEqual(ids("created_after=2099-01-01T00:00:00Z"), [])
        self.assertEqual(ids("workflow_id=" + NO_JOB), [])

    def test_wrong_queries(self):
        for query, pointer in (("limit=0", "?limit"), ("limit=1001", "?limit"),
                               ("limit=x", "?limit"), ("stauts=queued", "?stauts"),
                               ("status=lost", "?status"), ("created_after=now", "?created_after"),
                               ("workflow_id=7", "?workflow_id"), ("type=", "?type"),
                               ("tag=a%2Cb", "?tag"), ("offset=3", "?offset")):
            answer = self.engine.request("GET", "/api/v1/jobs?" + query)
            self.assert_problem(answer, 422, "validation_failed", pointer)
        answer = self.engine.request("GET", "/api/v1/jobs?type=a&type=b")
        self.assertEqual(answer.status, 422)
        for query in ("type=%zz", "type=%", "type=%00", "type=%ff"):
            answer = self.engine.request("GET", "/api/v1/jobs?" + query)
            self.assert_problem(answer, 400, "bad_path")
        answer = self.engine.request("GET", "/api/v1/jobs?stauts=x")
        self.assertIn('"status"', answer.json["detail"])
        answer = self.engine.request("GET", "/api/v1/jobs/%s?full=1" % NO_JOB)
        self.assert_problem(answer, 422, "validation_failed", "?full")


class Change(Case):
    def test_delete(self):
        job = self.create(delay_ms=60000)
        target = "/api/v1/jobs/" + job["id"]
        self.assertEqual(self.engine.request("DELETE", target).status, 204)
        self.assert_problem(self.engine.request("GET", target), 404, "not_found")

    def test_a_running_job_is_neither_deleted_nor_retried(self):
        job = self.create("slow", timeout_ms=3000, max_retries=0)
        self.engine.wait(job["id"], until=("running",))
        target = "/api/v1/jobs/" + job["id"]
        self.assert_problem(self.engine.request("DELETE", target), 409, "state_conflict")
        answer = self.engine.request("POST", target + "/retry")
        self.assert_problem(answer, 409, "state_conflict")
        self.assertIn("running", answer.json["detail"])

    def test_a_dead_letter_is_retried_as_the_same_job(self):
        job = self.engine.wait(self.create("dead", payload={"a": 1})["id"])
        self.assertEqual((job["status"], job["error_code"]), ("dead_letter", "permanent"))
        self.assertIn('it "failed"', job["last_error"])
        target = "/api/v1/jobs/" + job["id"]
        answer = self.engine.request("POST", target + "/retry",
                                     {"payload": {"b": 2}, "max_retries": 7})
        self.assertEqual(answer.status, 200)
        self.assertEqual((answer.json["id"], answer.json["status"]), (job["id"], "queued"))
        self.assertEqual((answer.json["payload"], answer.json["max_retries"]), ({"b": 2}, 7))
        self.engine.wait(job["id"])
        attempts = self.get(target + "/attempts")
        self.assertEqual([a["outcome"] for a in attempts], ["permanent"] * 2)

    def test_a_finished_job_is_run_again_as_a_new_one(self):
        job = self.engine.wait(self.create(payload=5)["id"])
        self.assertEqual((job["status"], job["result"] is not None), ("completed", True))
        answer = self.engine.request("POST", "/api/v1/jobs/%s/retry" % job["id"])
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.headers["Location"], "/api/v1/jobs/" + answer.json["id"])
        self.assertEqual((answer.json["retry_of"], answer.json["payload"]), (job["id"], 5))
        self.assertEqual(self.engine.wait(answer.json["id"])["status"], "completed")

    def test_a_waiting_retry_runs_at_once(self):
        job = self.create("flaky", max_retries=1, backoff={"base_ms": 600000, "cap_ms": 600000})
        self.engine.wait(job["id"], until=("retrying",))
        answer = self.engine.request("POST", "/api/v1/jobs/%s/retry" % job["id"], {})
        self.assertEqual((answer.status, answer.json["id"]), (200, job["id"]))

    def test_wrong_edits(self):
        target = "/api/v1/jobs/%s/retry" % NO_JOB
        self.assert_problem(self.engine.request("POST", target, "{"), 400, "invalid_json")
        self.assert_problem(self.engine.request("POST", target, {"max_retries": "x"}), 422,
                            "validation_failed", "/max_retries")
        self.assert_problem(self.engine.request("POST", target, {"priority": 1}), 422,
                            "validation_failed", "/priority")

    def test_retries_are_used_up(self):
        job = self.engine.wait(self.create("flaky", max_retries=2,
                                           backoff={"base_ms": 1, "cap_ms": 1})["id"])
        self.assertEqual((job["status"], job["attempt"], job["error_code"]),
                         ("dead_letter", 3, "error"))
        self.assertEqual(len(self.get("/api/v1/jobs/%s/attempts" % job["id"])), 3)
        once = self.engine.wait(self.create("flaky", max_retries=0)["id"])
        self.assertEqual((once["status"], once["attempt"]), ("dead_letter", 1))


if __name__ == "__main__":
    unittest.main()
