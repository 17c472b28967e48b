"""Starts and talks to a saturnd, for the tests beside this file. Standard library only."""
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import time


def environment():
    """Ours without SATURN_*, which the daemon would take for its configuration."""
    return {k: v for k, v in os.environ.items() if not k.startswith("SATURN_")}


class Daemon:
    """A saturnd on a port of the kernel's choice; `data` is its directory."""

    def __init__(self, exe, *flags, data=None, preexec=None):
        self.exe = exe
        self.flags = list(flags)
        self.preexec = preexec  # run in the child before the daemon
        self.data = data or tempfile.mkdtemp(prefix="saturn-test-")
        os.makedirs(self.data, exist_ok=True)
        self.log = open(os.path.join(self.data, "..", os.path.basename(self.data) + ".log"), "a+")
        self.start()

    def environment(self):
        return environment()

    def start(self):
        self.log_start = self.log.seek(0, os.SEEK_END)
        self.process = subprocess.Popen(
            [self.exe, "--listen", "127.0.0.1:0", "--data-dir", self.data, *self.flags],
            stdout=self.log, stderr=self.log, env=self.environment(), preexec_fn=self.preexec)
        deadline = time.time() + 20
        while time.time() < deadline:
            found = re.search(r"listening on 127\.0\.0\.1:(\d+)", self.log_text())
            if found:
                self.port = int(found[1])
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError("saturnd did not start:\n" + self.log_text())

    def log_text(self):
        self.log.seek(self.log_start)
        return self.log.read()

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self, interval):
        """What the daemon's threads use in the next `interval` seconds."""
        def used():
            with open(f"/proc/{self.process.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        before = used()
        time.sleep(interval)
        return used() - before

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def path(self):
        return os.path.join(self.data, "default.db")


class Client:
    """One HTTP connection."""

    def __init__(self, daemon):
        self.http = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)

    def request(self, method, path, body=None, headers={}):
        """(status, headers, body bytes)"""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        self.http.request(method, path, body, headers)
        answer = self.http.getresponse()
        return answer.status, answer.headers, answer.read()

    def pipeline(self, requests, baton=None, path="/v3/pipeline"):
        status, _, body = self.request("POST", path, {"baton": baton, "requests": requests})
        answer = json.loads(body)
        answer["status"] = status
        return answer

    def execute(self, sql, args=()):
        """The rows of one statement as Python values; RuntimeError(code, message) on failure."""
        answer = self.pipeline([{"type": "execute", "stmt": stmt(sql, args)}, {"type": "close"}])
        return rows_of(answer["results"][0])


def encode(value):
    if value is None:
        return {"type": "null"}
    if isinstance(value, int):
        return {"type": "integer", "value": str(value)}
    if isinstance(value, float):
        return {"type": "float", "value": value}
    return {"type": "text", "value": value}


def decode(value):
    kind = value["type"]
    return (None if kind == "null" else int(value["value"]) if kind == "integer"
            else value["base64"] if kind == "blob" else value["value"])


def stmt(sql, args=(), **more):
    return {"sql": sql, "args": [encode(a) for a in args], **more}


def rows_of(result):
    if result["type"] != "ok":
        raise RuntimeError(result["error"]["code"], result["error"]["message"])
    return [[decode(v) for v in row] for row in result["response"]["result"]["rows"]]
