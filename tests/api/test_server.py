# SPDX-License-Identifier: MIT
"""The server itself: routing, request ids, smuggling (R33), sizes, slow and half-sent requests,
thousands of idle connections, tokens, unix sockets, draining."""
import hashlib
import json
import os
import resource
import select
import socket
import stat
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib  # noqa: E402
from test_jobs import NO_JOB, Case  # noqa: E402

FAST = "header_timeout = 1s\nrequest_timeout = 1500ms\nidle_timeout = 2s\nmax_body = 64KiB\n"
PROBE_SECONDS = 0.05
BODY = b'{"type":"echo"}'


def parts(data):
    """(status, headers in lower case, body) of a raw answer."""
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


class Server(Case):
    @classmethod
    def setUpClass(cls):
        cls.engine = lib.Engine(api=FAST)
        cls.engine.add_lua(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                        "handlers.lua"))
        cls.engine.start()

    def probe(self):
        began = time.monotonic()
        self.assertEqual(self.engine.exchange("GET", "/health").status, 200)
        return time.monotonic() - began

    def assert_refused(self, data, status, code):
        """The server answers once, with this problem, and closes."""
        got = self.engine.raw(data)
        self.assertEqual(got.count(b"HTTP/1.1 "), 1, got)
        seen, headers, body = parts(got)
        self.assertEqual(seen, status, got)
        self.assertEqual(headers["content-type"], "application/problem+json")
        self.assertEqual(json.loads(body)["code"], code)


class Routing(Server):
    def test_unknown_paths(self):
        for path in ("/", "/nope", "/api/v1", "/api/v1/jobs/", "/api/v1//jobs", "/metrics",
                     "/api/v1/workflows", "/api/v1/jobs/%s/cancel" % NO_JOB, "/API/v1/jobs",
                     "/health/x", "/..%2fhealth", "/api/v1/jobs/%s/retry/x" % NO_JOB):
            answer = self.engine.request("GET", path)
            self.assert_problem(answer, 404, "no_such_endpoint")

    def test_wrong_methods(self):
        for method, path, allow in (("PUT", "/api/v1/jobs", "POST, GET, HEAD"),
                                    ("PATCH", "/api/v1/jobs/" + NO_JOB, "GET, HEAD, DELETE"),
                                    ("GET", "/api/v1/jobs/bulk", "POST"),
                                    ("POST", "/health", "GET, HEAD"),
                                    ("OPTIONS", "/api/v1/stats", "GET, HEAD")):
            answer = self.engine.request(method, path)
            self.assert_problem(answer, 405, "method_not_allowed")
            self.assertEqual(answer.headers["Allow"], allow)

    def test_bad_paths(self):
        for path in ("/api/v1/jobs/%", "/api/v1/jobs/%zz", "/api/v1/jobs/a%00b", "/health%00",
                     "/%ff", "/api/v1/handlers/%c0%af"):
            answer = self.engine.request("GET", path)
            self.assert_problem(answer, 400, "bad_path")
        answer = self.engine.request("GET", "/" + "a" * 5000)
        self.assert_problem(answer, 414, "uri_too_long")

    def test_a_problem_is_json_whatever_is_in_the_path(self):
        answer = self.engine.raw(b'GET /"<\\>\x7f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        self.assertEqual(json.loads(parts(answer)[2])["status"], 404)

    def test_request_ids(self):
        answer = self.engine.request("GET", "/health", headers={"X-Request-Id": "abc-1.2:3/x"})
        self.assertEqual(answer.headers["X-Request-Id"], "abc-1.2:3/x")
        for bad in ("a b", "x" * 129, 'a"b', "é".encode().decode("latin-1")):
            answer = self.engine.request("GET", "/health", headers={"X-Request-Id": bad})
            self.assertRegex(answer.headers["X-Request-Id"], r"^[0-9a-f]{8}-[0-9a-f]{8}$")

    def test_keep_alive_and_pipelining(self):
        connection = self.engine.connection()
        for _ in range(20):
            self.assertEqual(self.engine.exchange("POST", "/api/v1/jobs", BODY,
                                                  connection=connection).status, 201)
            self.assertEqual(self.engine.exchange("GET", "/nope", connection=connection).status,
                             404)
        connection.close()
        got = self.engine.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 9 +
                              b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(got.count(b"HTTP/1.1 200"), 10)

    def test_bodies_where_none_is_wanted(self):
        self.assertEqual(self.engine.request("GET", "/health", b"x" * 1000).status, 200)
        self.assertEqual(self.engine.request("GET", "/api/v1/jobs", b"x" * 1000).status, 200)


class Smuggling(Server):
    def post(self, *headers, body=BODY, version=b"HTTP/1.1"):
        return b"\r\n".join((b"POST /api/v1/jobs " + version, b"Host: x",
                             b"Content-Type: application/json") + headers) + b"\r\n\r\n" + body

    def test_every_vector(self):
        length = b"Content-Length: 15"
        chunks = b"f\r\n" + BODY + b"\r\n0\r\n\r\n"
        follow = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        for data in (self.post(length, b"Content-Length: 3"),
                     self.post(length, length),
                     self.post(b"Content-Length: 0", length),
                     self.post(length, b"Transfer-Encoding: chunked", body=chunks),
                     self.post(b"Transfer-Encoding: chunked", length, body=chunks),
                     self.post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked",
                               body=chunks),
                     self.post(b"Transfer-Encoding: gzip, chunked", body=chunks),
                     self.post(b"Transfer-Encoding: gzip", body=chunks),
                     self.post(b"Transfer-Encoding: identity"),
                     self.post(b"Transfer-Encoding: xchunked", body=chunks),
                     self.post(b"Transfer-Encoding: chunked", body=chunks, version=b"HTTP/1.0"),
                     self.post(length, b"Host: y")):
            with self.subTest(data=data[:200]):
                self.assert_refused(data + follow, 400, "ambiguous_request")

    def test_malformed_headers_never_reach_a_handler(self):
        """The library may answer these itself; what counts is that nothing is created."""
        for data in (self.post(b"Content-Length : 15"), self.post(b"Content-Length: +15"),
                     self.post(b"Content-Length: 15, 15"), self.post(b"Content-Length: 0xf"),
                     self.post(b"Content-Length: -1"), self.post(b"Content-Length: 1 5"),
                     self.post(b"Content-Length: 99999999999999999999999"),
                     self.post(b"Content-Length: 15", b"X Y: 1"),
                     self.post(b"Content-Length: 15", b"Transfer-Encoding : chunked"),
                     self.post(b"Content-Length:"), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
                     b"POST /api/v1/jobs\r\n\r\n", b"POST\r\n\r\n", b"\0" * 100):
            with self.subTest(data=data[:200]):
                got = self.engine.raw(data)
                self.assertNotIn(b"HTTP/1.1 201", got)
                self.assertNotIn(b"HTTP/1.1 200", got)

    def test_chunked_is_fine(self):
        got = self.engine.raw(self.post(b"Transfer-Encoding: chunked", b"Connection: close",
                                        body=b"5\r\n{\"typ\r\na\r\ne\":\"echo\"}\r\n0\r\n\r\n"))
        self.assertEqual(parts(got)[0], 201)


class Sizes(Server):
    def test_a_declared_length_over_the_limit(self):
        answer = self.post(b" " * (64 * 1024 + 1))
        self.assert_problem(answer, 413, "body_too_large")
        self.assertEqual(self.post(b'{"type":"echo","payload":"%s"}' % (b"x" * 65000)).status, 201)

    def test_a_length_that_nobody_reads_to_the_end(self):
        head = b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
        self.assert_refused(head, 413, "body_too_large")

    def test_expect_100(self):
        head = (b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n"
                b"Expect: 100-continue\r\n\r\n")
        self.assert_refused(head, 413, "body_too_large")

    def test_chunks_that_grow_past_the_limit(self):
        def chunks():
            for _ in range(20):
                yield b" " * 8192
        connection = self.engine.connection()
        connection.request("POST", "/api/v1/jobs", chunks(), {"Transfer-Encoding": "chunked"},
                           encode_chunked=True)
        got = connection.getresponse()
        self.assertEqual((got.status, json.loads(got.read())["code"]), (413, "body_too_large"))
        connection.close()

    def test_headers_that_never_end(self):
        got = self.engine.raw(b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100000)
        self.assertNotIn(b"HTTP/1.1 200", got)
        self.assertLess(self.probe(), 1)


class Slow(Server):
    def closed_after(self, data, drip=None):
        """Sends, then waits for the end; returns (seconds, what came)."""
        began, got = time.monotonic(), b""
        with self.engine.socket(20) as s:
            s.sendall(data)
            while True:
                ready, _, _ = select.select([s], [], [], 0.2)
                try:
                    if ready:
                        more = s.recv(4096)
                        if not more:
                            break
                        got += more
                    elif drip:
                        s.sendall(drip)
                except OSError:
                    break
                self.assertLess(time.monotonic() - began, 15)
        return time.monotonic() - began, got

    def test_half_a_request_is_ended_with_408(self):
        line = b"POST /api/v1/jobs HTTP/1.1\r\n"
        for data in (b"", b"POST /api", line + b"Host: x\r\n",
                     line + b"Host: x\r\nContent-Length: 15\r\n\r\n" + BODY[:5],
                     line + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n"):
            with self.subTest(data=data):
                seconds, got = self.closed_after(data)
                self.assertLess(seconds, 5)
                status, _, body = parts(got)
                self.assertEqual((status, json.loads(body)["code"]), (408, "request_timeout"))

    def test_dripping_does_not_extend_a_deadline(self):
        head = b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\n"
        for data, drip in ((head, b"X: y\r\n"),
                           (head + b"Content-Length: 60000\r\n\r\n", b" ")):
            seconds, got = self.closed_after(data, drip)
            self.assertLess(seconds, 6)
            self.assertIn(b" 408 ", got)

    def test_an_idle_connection_is_closed_silently(self):
        seconds, got = self.closed_after(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertLess(seconds, 6)
        self.assertEqual(got.count(b"HTTP/1.1 "), 1)

    def test_a_client_that_goes_away_costs_nothing(self):
        for data in (b"", b"GET /hea", b"GET /health HTTP/1.1\r\n",
                     b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n" + BODY,
                     b"GET /api/v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"):
            for _ in range(50):
                with self.engine.socket() as s:
                    s.sendall(data)
        self.assertLess(self.probe(), 1)


class Crowd(unittest.TestCase):
    CONNECTIONS = 5000

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.CONNECTIONS + 500
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.skipTest("the limit on open files is %d, needed %d" % (hard, wanted))
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))

    def fill(self, engine, n, data):
        held = []
        for i in range(n):
            s = socket.socket()
            s.connect(engine.host_and_port())
            if data(i):
                s.sendall(data(i))
            held.append(s)
        return held

    def best_probe(self, engine):
        """The best of a few: a busy machine is not the server's fault."""
        times = []
        for _ in range(10):
            began = time.monotonic()
            assert engine.exchange("GET", "/health").status == 200
            times.append(time.monotonic() - began)
        return sorted(times)[len(times) // 2]

    def test_five_thousand_idle_and_half_open_connections(self):
        engine = lib.Engine(api="header_timeout = 120s\n")
        engine.start()
        try:
            kinds = (b"", b"GET /health HT", b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\n",
                     b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{")
            held = self.fill(engine, self.CONNECTIONS, lambda i: kinds[i % len(kinds)])
            self.assertLess(self.best_probe(engine), PROBE_SECONDS)
            for s in held:
                s.close()
            self.assertLess(self.best_probe(engine), PROBE_SECONDS)
            self.assertEqual(engine.stop(), 0)
        finally:
            engine.remove()

    def test_one_connection_too_many_is_told_so(self):
        engine = lib.Engine(api="max_connections = 50\n")
        engine.start()
        try:
            held = self.fill(engine, 50, lambda i: b"GET /health HT")
            time.sleep(0.3)
            status, headers, body = parts(engine.raw(b""))
            self.assertEqual((status, json.loads(body)["code"]), (503, "too_many_connections"))
            self.assertEqual(headers["retry-after"], "1")
            for s in held:
                s.close()
            time.sleep(0.3)
            self.assertEqual(engine.exchange("GET", "/health").status, 200)
            self.assertEqual(engine.stop(), 0)
        finally:
            engine.remove()


def token_line(name, token):
    return "%s:%s\n" % (name, hashlib.blake2b(token.encode(), digest_size=32).hexdigest())


class Tokens(unittest.TestCase):
    def setUp(self):
        self.engine = lib.Engine()
        self.file = os.path.join(self.engine.folder, "tokens")
        self.write("# who may\n\n" + token_line("ci", "secret-1") + token_line("ops", "secret-2"))
        self.engine.add_conf("tokens", "[api]\ntokens_file = %s\n" % self.file)

    def tearDown(self):
        self.engine.stop()
        self.engine.remove()

    def write(self, text):
        with open(self.file + ".new", "w") as f:
            f.write(text)
        os.chmod(self.file + ".new", 0o600)
        os.rename(self.file + ".new", self.file)

    def status(self, authorization=None):
        headers = {"Authorization": authorization} if authorization is not None else {}
        return self.engine.request("GET", "/api/v1/jobs", headers=headers).status

    def test_who_may(self):
        self.engine.start()
        for good in ("Bearer secret-1", "bearer secret-2"):
            self.assertEqual(self.status(good), 200)
        for bad in (None, "", "Bearer", "Bearer ", "Bearer secret-3", "Basic c2VjcmV0LTE=",
                    "secret-1", "Bearer secret-1x"):
            self.assertEqual(self.status(bad), 401)
        for path in ("/health", "/live", "/ready", "/openapi.json"):
            self.assertEqual(self.engine.request("GET", path).status, 200)
        answer = self.engine.request("POST", "/api/v1/jobs", {"type": "echo"})
        self.assertEqual((answer.status, answer.json["code"]), (401, "unauthorized"))
        self.assertTrue(answer.headers["WWW-Authenticate"].startswith("Bearer"))

    def test_the_file_may_change(self):
        self.engine.start()
        self.assertEqual(self.status("Bearer secret-1"), 200)
        self.write(token_line("new", "secret-9"))
        deadline = time.monotonic() + 10
        while self.status("Bearer secret-9") != 200:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual(self.status("Bearer secret-1"), 401)
        self.write("broken\n")
        time.sleep(1.5)
        self.assertEqual(self.status("Bearer secret-9"), 200)
        self.assertIn("tokens:1", self.engine.log_text())

    def start_fails(self):
        self.engine.spawn()
        self.assertEqual(self.engine.process.wait(60), 78)
        return self.engine.log_text()

    def test_a_broken_file_is_refused_at_start(self):
        self.write(token_line("a", "b") + "no colon\n")
        self.assertIn("tokens:2", self.start_fails())

    def test_an_empty_file_is_refused_at_start(self):
        self.write("# nobody\n")
        self.assertIn("no token", self.start_fails())

    def test_a_public_address_needs_tokens(self):
        self.engine.add_conf("tokens", "[api]\nlisten = 0.0.0.0:0\n")
        os.unlink(os.path.join(self.engine.conf_dir, "00-test.ini"))
        self.engine.add_conf("00-dirs", "[engine]\ndata_dir = %s/data\nplugin_dir = %s/plugins\n"
                             "lua_dir = %s/lua\n" % ((self.engine.folder,) * 3))
        self.assertIn("tokens_file", self.start_fails())


class Addresses(unittest.TestCase):
    def test_a_unix_socket(self):
        folder = lib.tempfile.mkdtemp(prefix="jobmill-test-")
        path = os.path.join(folder, "api.sock")
        engine = lib.Engine(listen="unix:" + path)
        try:
            engine.start()
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
            self.assertEqual(engine.address, "unix:" + path)
            self.assertEqual(engine.request("GET", "/api/v1/jobs").json, [])
            engine.kill()
            engine.start()  # the stale file is no obstacle
            self.assertEqual(engine.stop(), 0)
            self.assertFalse(os.path.exists(path))
        finally:
            engine.remove()
            lib.shutil.rmtree(folder)

    def test_an_address_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            engine = lib.Engine(listen="127.0.0.1:%d" % s.getsockname()[1])
            try:
                engine.spawn()
                self.assertEqual(engine.process.wait(60), 69)
                self.assertIn("in use", engine.log_text())
            finally:
                engine.remove()

    def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("this machine has no ::1")
        engine = lib.Engine(listen="[::1]:0")
        try:
            engine.start()
            self.assertTrue(engine.address.startswith("[::1]:"))
            self.assertEqual(engine.stop(), 0)
        finally:
            engine.remove()


class Stopping(unittest.TestCase):
    def test_what_is_under_way_is_answered(self):
        engine = lib.Engine(api="unknown_types = accept\n")
        engine.start()
        try:
            open_ones = []
            for _ in range(20):
                s = engine.socket()
                s.sendall(b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n" +
                          BODY)
                open_ones.append(s)
            time.sleep(0.2)
            self.assertEqual(engine.stop(), 0)
            for s in open_ones:
                self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 201"))
                s.close()
        finally:
            engine.remove()


if __name__ == "__main__":
    unittest.main()
