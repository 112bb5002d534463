"""A broker and a gateway for benches, with keys in a folder of their own. Everything ends with the block."""

import http.client
import json
import os
import pathlib
import subprocess
import tempfile


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Gateway:
    def __init__(self, binaries, *options, workers=0):
        self.binaries, self.options, self.workers = pathlib.Path(binaries).resolve(), options, workers

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="quern-bench-")
        self.env = {**os.environ, "XDG_CONFIG_HOME": self.folder.name, "XDG_STATE_HOME": self.folder.name,
                    "PATH": f"{self.binaries}:{os.environ['PATH']}"}
        self.env.pop("QUERN_KEYS", None)
        self.running = []
        self.broker = self.start("quern-broker", "--bind", "tcp://127.0.0.1:0", "--no-store")
        self.env["QUERN_BROKER"] = self.broker.stdout.readline().split()[1]
        for _ in range(self.workers):
            self.start("quern-worker", "--slots", "1")
        self.process = self.start("quern-gateway", "--listen", "127.0.0.1:0", *self.options)
        self.url = self.process.stdout.readline().split()[1]
        self.address = self.url.removeprefix("http://")
        self.host, port = self.address.split(":")
        self.port, self.pid = int(port), self.process.pid
        self.token = self.quern("keys", "token", "bench", "--role", "submit,read").strip()
        self.fields = {"Authorization": f"Bearer {self.token}"}
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            process.wait()
        self.folder.cleanup()

    def start(self, *words):
        log = open(pathlib.Path(self.folder.name, f"{len(self.running)}.log"), "w")
        self.running.append(subprocess.Popen([str(word) for word in words], env=self.env, stdout=subprocess.PIPE, stderr=log, text=True))
        return self.running[-1]

    def quern(self, *words):
        return subprocess.run(["quern", *map(str, words)], env=self.env, check=True, stdout=subprocess.PIPE, text=True).stdout

    def ask(self, method, path, body=None):
        """The body of one answer, as JSON."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        fields = {**self.fields, "Content-Type": "application/json"} if body is not None else self.fields
        connection.request(method, path, json.dumps(body) if body is not None else None, fields)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def head(self, method, path):
        """The bytes of a request without a body."""
        return f"{method} {path} HTTP/1.1\r\nHost: {self.address}\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()


def bare_server(place, body):
    """A bare Beast server that answers with `body`, and its URL. `place`: the program, or the folder beside which it is."""
    place = pathlib.Path(place).resolve()
    program = place if place.is_file() else next(place.parent.rglob("bare_http"))
    bare = subprocess.Popen([program, body], stdout=subprocess.PIPE, text=True)
    return bare, f"http://127.0.0.1:{bare.stdout.readline().strip()}/"
