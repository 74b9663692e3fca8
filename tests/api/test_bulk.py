# SPDX-License-Identifier: MIT
"""Bulk creates, dead letters, and what operators look at."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib  # noqa: E402
from test_jobs import NO_JOB, Case  # noqa: E402


class BulkCreate(Case):
    def bulk(self, body, **headers):
        return self.engine.request("POST", "/api/v1/jobs/bulk", body, headers)

    def test_a_thousand_at_once(self):
        jobs = [{"type": "echo", "payload": n, "queue": "thousand", "delay_ms": 600000}
                for n in range(1000)]
        answer = self.bulk({"jobs": jobs})
        self.assertEqual(answer.status, 201)
        self.assertEqual([job["payload"] for job in answer.json["jobs"]], list(range(1000)))
        self.assertEqual(len(self.get("/api/v1/jobs?queue=thousand&limit=1000")), 1000)

    def test_a_bare_array(self):
        answer = self.bulk([{"type": "echo"}, {"type": "echo"}])
        self.assertEqual((answer.status, len(answer.json["jobs"])), (201, 2))

    def test_how_many(self):
        for jobs in ([], [{"type": "echo"}] * 1001):
            self.assert_problem(self.bulk({"jobs": jobs}), 422, "validation_failed", "/jobs")
        self.assert_problem(self.bulk({}), 422, "validation_failed", "/jobs")
        self.assert_problem(self.bulk({"job": []}), 422, "validation_failed", "/job")

    def test_one_bad_item_and_nothing_is_created(self):
        answer = self.bulk({"jobs": [{"type": "echo", "queue": "none"}, {"type": "echo", "x": 1},
                                     {"queue": "none"}, 7]})
        self.assert_problem(answer, 422, "validation_failed", "/jobs/1/x", "/jobs/2/type",
                            "/jobs/3")
        self.assertEqual(self.get("/api/v1/jobs?queue=none"), [])

    def test_unknown_types(self):
        answer = self.bulk([{"type": "echo"}, {"type": "nobody"}])
        self.assert_problem(answer, 422, "unknown_type", "/1/type")
        self.assertIn("echo", answer.json["known_types"])

    def test_complaints_are_bounded(self):
        answer = self.bulk([{"type": "echo", "bad": 1}] * 1000)
        self.assertEqual((answer.status, len(answer.json["errors"])), (422, 100))
        self.assertIn("999 more", answer.json["detail"])

    def test_keys(self):
        first = self.bulk({"jobs": [{"type": "echo", "idempotency_key": "b1"}]}).json["jobs"][0]
        again = self.bulk({"jobs": [{"type": "echo", "idempotency_key": "b1"},
                                    {"type": "echo", "idempotency_key": "b2"}]})
        self.assertEqual(again.status, 201)
        self.assertEqual([job.get("replayed") for job in again.json["jobs"]], [True, None])
        self.assertEqual(again.json["jobs"][0]["id"], first["id"])
        answer = self.bulk({"jobs": [{"type": "echo", "queue": "mismatch"},
                                     {"type": "echo", "idempotency_key": "b1", "payload": 1}]})
        self.assert_problem(answer, 422, "idempotency_mismatch", "/jobs/1/idempotency_key")
        self.assertEqual(self.get("/api/v1/jobs?queue=mismatch"), [])
        answer = self.bulk([{"type": "echo"}], **{"Idempotency-Key": "k"})
        self.assertEqual(answer.status, 422)

    def test_a_body_larger_than_a_single_create_may_have(self):
        jobs = [{"type": "echo", "delay_ms": 600000, "payload": "x" * 3000}] * 900
        self.assertEqual(self.bulk({"jobs": jobs}).status, 201)


class DeadLetters(Case):
    def die(self, queue, n=3):
        made = [self.create("dead", queue=queue, payload={"n": i, "k": "v"}) for i in range(n)]
        for job in made:
            self.engine.wait(job["id"], until=("dead_letter",))
        return [job["id"] for job in made]

    def replay(self, body):
        return self.engine.request("POST", "/api/v1/dead-letters/replay", body)

    def purge(self, body=None, query=""):
        return self.engine.request("DELETE", "/api/v1/dead-letters" + query, body)

    def dead(self, queue):
        return [job["id"] for job in self.get("/api/v1/dead-letters?queue=" + queue)]

    def finish(self, answer):
        """Follows a bulk operation to its end."""
        self.assertEqual(answer.status, 202, answer.body)
        deadline = time.monotonic() + 30
        while True:
            row = self.get(answer.headers["Location"])
            if row["status"] != "running":
                self.assertIsNotNone(row["completed_at"])
                return row
            self.assertLess(time.monotonic(), deadline, row)
            time.sleep(0.01)

    def attempts(self, job_id):
        return len(self.get("/api/v1/jobs/%s/attempts" % job_id))

    def test_list(self):
        ids = self.die("list")
        self.create(queue="list", delay_ms=60000)
        self.assertEqual(self.dead("list"), ids[::-1])
        self.assertEqual(self.get("/api/v1/dead-letters?queue=list&status=dead_letter&limit=1"),
                         [self.get("/api/v1/jobs/" + ids[-1])])
        answer = self.engine.request("GET", "/api/v1/dead-letters?status=queued")
        self.assert_problem(answer, 422, "validation_failed", "?status")

    def test_replay_by_ids(self):
        ids, alive = self.die("ids"), self.create(delay_ms=60000)["id"]
        body = {"ids": ids + [alive, NO_JOB], "dry_run": True}
        dry = self.replay(body).json
        self.assertEqual((dry["dry_run"], dry["succeeded"]), (True, ids))
        self.assertEqual([self.attempts(i) for i in ids], [1, 1, 1])
        answer = self.replay(dict(body, dry_run=False, payload_patch={"k": None, "new": [1]}))
        self.assertEqual(answer.json["succeeded"], ids)
        self.assertEqual([(f["id"], f["problem"]["code"]) for f in answer.json["failed"]],
                         [(alive, "state_conflict"), (NO_JOB, "not_found")])
        for n, job_id in enumerate(ids):
            job = self.engine.wait(job_id, until=("dead_letter",))
            self.assertEqual(job["payload"], {"n": n, "new": [1]})
            self.assertEqual(self.attempts(job_id), 2)

    def test_replay_by_filter_ends_and_does_not_run_in_circles(self):
        ids, other = self.die("filter", 5), self.die("other", 1)
        dry = self.replay({"filter": {"queue": "filter"}, "dry_run": True}).json
        self.assertEqual((dry["matched"], dry["complete"]), (5, True))
        row = self.finish(self.replay({"filter": {"queue": "filter"}}))
        self.assertEqual((row["status"], row["matched"], row["succeeded"], row["failed"]),
                         ("done", 5, 5, 0))
        for job_id in ids:
            self.engine.wait(job_id, until=("dead_letter",))
            self.assertEqual(self.attempts(job_id), 2)
        self.assertEqual(self.attempts(other[0]), 1)

    def test_limit(self):
        ids = self.die("limit", 4)
        row = self.finish(self.replay({"filter": {"queue": "limit", "status": ["dead_letter"]},
                                       "limit": 2}))
        self.assertEqual((row["matched"], row["limit"]), (2, 2))
        for job_id in ids:
            self.engine.wait(job_id, until=("dead_letter",))
        self.assertEqual([self.attempts(i) for i in ids], [1, 1, 2, 2])

    def test_purge(self):
        ids = self.die("purge", 4)
        self.assertEqual(self.purge({"ids": ids[:1]}).json["succeeded"], ids[:1])
        self.assertEqual(self.purge(query="?queue=purge&dry_run=true").json["matched"], 3)
        row = self.finish(self.purge(query="?queue=purge&limit=1"))
        self.assertEqual((row["action"], row["succeeded"]), ("purge", 1))
        row = self.finish(self.purge({"filter": {"queue": "purge"}}))
        self.assertEqual((row["succeeded"], self.dead("purge")), (2, []))

    def test_an_empty_list_of_states_is_not_all_states(self):
        for answer in (self.purge({"filter": {"status": []}}),
                       self.replay({"filter": {"status": []}})):
            self.assertEqual(answer.status, 422, answer.body)
            self.assertEqual(answer.json["errors"][0]["pointer"], "/filter/status")

    def test_wrong_requests(self):
        self.assertEqual(self.purge().status, 422)
        self.assertEqual(self.purge({"filter": {}}, "?type=x").status, 422)
        self.assertEqual(self.purge({"filter": {}, "payload_patch": {}}).status, 422)
        for body, pointer in (({}, ""), ({"ids": [NO_JOB], "filter": {}}, ""),
                              ({"ids": []}, "/ids"), ({"ids": ["x"]}, "/ids/0"),
                              ({"ids": [NO_JOB] * 1001}, "/ids"),
                              ({"ids": [NO_JOB], "limit": 1}, "/limit"),
                              ({"filter": {"stat": "x"}}, "/filter/stat"),
                              ({"filter": {"status": 1}}, "/filter/status"),
                              ({"filter": {"status": "queued"}}, "/filter/status"),
                              ({"filter": {}, "limit": 0}, "/limit"),
                              ({"filter": {}, "dryrun": True}, "/dryrun"),
                              ({"filter": 1}, "/filter")):
            answer = self.replay(body)
            self.assert_problem(answer, 422, "validation_failed", pointer)
        self.assert_problem(self.replay("{"), 400, "invalid_json")
        answer = self.engine.request("GET", "/api/v1/bulk/" + NO_JOB)
        self.assert_problem(answer, 404, "not_found")
        self.assertEqual(self.engine.request("GET", "/api/v1/bulk/x").status, 400)


class Admin(Case):
    def test_probes(self):
        self.assertEqual(self.get("/health")["status"], "ok")
        self.assertEqual(self.get("/live")["status"], "ok")
        self.assertEqual(self.get("/ready")["status"], "ready")
        self.assertEqual(self.get("/health?cache=1")["status"], "ok")

    def test_handlers(self):
        types = [row["type"] for row in self.get("/api/v1/handlers")]
        self.assertEqual(types, sorted(types))
        self.assertLessEqual({"echo", "dead", "flaky", "slow"}, set(types))
        self.assertEqual(self.get("/api/v1/handlers/echo")["type"], "echo")
        answer = self.engine.request("GET", "/api/v1/handlers/no%2Fbody")
        self.assert_problem(answer, 404, "not_found")

    def test_workers(self):
        workers = self.get("/api/v1/workers")
        self.assertEqual([w["status"] for w in workers], ["alive"])
        self.assertEqual(self.get("/api/v1/workers/" + workers[0]["id"])["id"], workers[0]["id"])
        self.assert_problem(self.engine.request("GET", "/api/v1/workers/x"), 404, "not_found")

    def test_stats(self):
        job = self.engine.wait(self.create(queue="stats")["id"])
        stats = self.get("/api/v1/stats")
        self.assertIn({"queue": "stats", "type": job["type"], "status": "completed", "n": 1},
                      stats["counts"])
        self.assertGreaterEqual(stats["jobs"]["completed"], 1)

    def test_every_operation_of_the_description_is_there(self):
        document = self.get("/openapi.json")
        for path, item in document["paths"].items():
            target = path.replace("{id}", NO_JOB).replace("{type}", "x")
            for method in set(item) - {"parameters"}:
                answer = self.engine.request(method.upper(), target)
                self.assertNotEqual(answer.status, 405, "%s %s" % (method, path))
                if answer.status == 404:
                    self.assertEqual(answer.json["code"], "not_found")


if __name__ == "__main__":
    unittest.main()
