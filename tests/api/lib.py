# SPDX-License-Identifier: MIT
"""An engine in a throw-away folder, and requests whose every answer is checked against the API's
own description (/openapi.json)."""
import datetime
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("JOBMILL_BUILD", os.path.join(ROOT, "build"))
TEST_PLUGINS = os.environ.get("JOBMILL_TEST_PLUGINS",
                              os.path.join(ROOT, "build", "release", "obj", "tests"))
JOBMILL = os.path.join(BUILD, "jobmill")
FINAL = ("completed", "dead_letter", "cancelled")
START_SECONDS = 60  # sanitizers and a busy machine

CONF = """[engine]
data_dir = {folder}/data
plugin_dir = {folder}/plugins
lua_dir = {folder}/lua
log_level = {log_level}
[api]
listen = {listen}
{api}
"""


def shipped_plugin(name):
    return os.path.join(BUILD, "plugins", name + ".so")


def test_plugin(name):
    """A plugin that the tests build, by folder and name: `hostile/behave`."""
    return os.path.join(TEST_PLUGINS, name + ".so")


def ms(text):
    """An RFC 3339 time of the API as ms since 1970."""
    when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return round(when.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)


def is_running(pid):
    """False for zombies too."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Contract:
    """What /openapi.json says about answers."""

    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver.from_schema(document)
        self.paths = [(re.compile("^%s$" % re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), item)
                      for path, item in sorted(document["paths"].items(),
                                               key=lambda pair: "{" in pair[0])]

    def schema(self, schema, value):
        jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(value)

    def described(self, method, path, status):
        """The response object for an answer; the problem one where the path is not known."""
        problem = {"$ref": "#/components/responses/Problem"}
        for pattern, item in self.paths:
            if not pattern.match(path):
                continue
            operation = item.get("get" if method == "HEAD" else method.lower())
            if operation is None:
                return problem
            responses = operation["responses"]
            assert str(status) in responses, "%s %s: %d is not described" % (method, path, status)
            return responses[str(status)]
        return problem

    def check(self, method, target, answer):
        assert "X-Request-Id" in answer.headers, answer.headers
        response = self.described(method, target.split("?")[0], answer.status)
        if "$ref" in response:
            response = self.resolver.resolve(response["$ref"])[1]
        if method == "HEAD" or "content" not in response:
            assert answer.body == b"", answer.body
            return
        (kind, content), = response["content"].items()
        assert answer.headers["Content-Type"] == kind, answer.headers["Content-Type"]
        self.schema(content["schema"], answer.json)
        if kind == "application/problem+json":
            assert answer.json["status"] == answer.status, answer.json
            assert answer.json["detail"] == answer.json["error"], answer.json
        for name in response.get("headers", {}):
            if name in ("Retry-After", "WWW-Authenticate", "Location"):
                assert name in answer.headers, "%s is missing" % name


class Engine:
    """One engine; handlers and configuration can be added until it is started."""

    def __init__(self, listen="127.0.0.1:0", api="", log_level="info", environment=None):
        self.folder = tempfile.mkdtemp(prefix="jobmill-test-")
        self.conf_dir = os.path.join(self.folder, "conf.d")
        self.log = os.path.join(self.folder, "log")
        for name in ("conf.d", "plugins", "lua"):
            os.mkdir(os.path.join(self.folder, name))
        self.add_conf("00-test", CONF.format(folder=self.folder, listen=listen, api=api,
                                             log_level=log_level))
        self.environment = {k: v for k, v in os.environ.items()
                            if k not in ("DATABASE_URL", "REDIS_URL")
                            and (not k.startswith("JOBMILL_") or k == "JOBMILL_EXEC")}
        self.environment.update(environment or {})
        self.process = None
        self.contract = None
        self.token = None

    # --- before the start ---

    def add_conf(self, name, text):
        with open(os.path.join(self.conf_dir, name + ".ini"), "w") as f:
            f.write(text)

    def add_plugin(self, path):
        shutil.copy(path, os.path.join(self.folder, "plugins"))

    def add_lua(self, path):
        shutil.copy(path, os.path.join(self.folder, "lua"))

    # --- the process ---

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([JOBMILL, "serve", "-c", self.conf_dir],
                                            env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def start(self):
        """Returns when it is ready."""
        address = os.path.join(self.folder, "data", "run", "api.addr")
        if os.path.exists(address):
            os.unlink(address)
        self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError("the engine exited with %d:\n%s"
                                     % (self.process.returncode, self.log_text()[-4000:]))
            try:
                with open(address) as f:
                    self.address = f.read().strip()
                if self.exchange("GET", "/ready").status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.01)
        raise AssertionError("the engine is not ready:\n" + self.log_text()[-4000:])

    def stop(self, seconds=60):
        """SIGTERM; returns the exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def log_lines(self):
        return self.log_text().splitlines()

    def executors(self):
        """The process ids of its executors that are alive."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % name) as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
                with open("/proc/%s/cmdline" % name) as f:
                    program = f.read().split("\0")[0]
            except OSError:
                continue
            if parent == self.process.pid and "jobmill-exec" in program and is_running(int(name)):
                found.append(int(name))
        return found

    # --- requests ---

    def host_and_port(self):
        host, port = self.address.rsplit(":", 1)
        return host.strip("[]"), int(port)

    def connection(self, timeout=60):
        if self.address.startswith("unix:"):
            return UnixConnection(self.address[5:], timeout)
        return http.client.HTTPConnection(*self.host_and_port(), timeout=timeout)

    def socket(self, timeout=10):
        return socket.create_connection(self.host_and_port(), timeout)

    def exchange(self, method, target, body=None, headers=None, connection=None):
        """One request, unchecked. `body` is bytes or text as they are, or a value sent as JSON."""
        headers = dict(headers or {})
        if self.token and "Authorization" not in headers:
            headers["Authorization"] = "Bearer " + self.token
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogateescape")
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        own = connection is None
        connection = connection or self.connection()
        try:
            connection.request(method, target, body, headers)
            got = connection.getresponse()
            return Answer(got.status, got.headers, got.read())
        finally:
            if own:
                connection.close()

    def request(self, method, target, body=None, headers=None, connection=None):
        """One request whose answer must be as /openapi.json says."""
        if self.contract is None:
            self.contract = Contract(self.exchange("GET", "/openapi.json").json)
        answer = self.exchange(method, target, body, headers, connection)
        self.contract.check(method, target, answer)
        return answer

    def raw(self, data, timeout=10):
        """Sends bytes, returns everything that comes back until the server closes."""
        with self.socket(timeout) as s:
            s.sendall(data)
            got = b""
            while True:
                try:
                    more = s.recv(65536)
                except ConnectionResetError:
                    break
                if not more:
                    break
                got += more
        return got

    def wait(self, job_id, until=FINAL, seconds=60):
        """The job once its status is one of `until`."""
        deadline = time.monotonic() + seconds
        while True:
            job = self.request("GET", "/api/v1/jobs/" + job_id).json
            if job["status"] in until:
                return job
            if time.monotonic() > deadline:
                raise AssertionError("job %s is %s after %d s, expected %s"
                                     % (job_id, job["status"], seconds, " or ".join(until)))
            time.sleep(0.01)
