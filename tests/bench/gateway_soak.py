"""The memory of the gateway over a long time of mixed requests, good and bad.

    gateway_soak.py FOLDER_OF_PROGRAMS [MINUTES] [THREADS]     10 minutes and 8 threads if nothing is said

Every thread does one thing after the other, chosen at random from a fixed seed: submits jobs, reads results, lists, long polls,
streams of events that are opened and dropped, files up and down, downloads that are broken off, pull workers, garbage, unknown
tokens, half requests. Prints the resident bytes and the open descriptors each half minute, and how often what was answered.
"""

import collections
import hashlib
import http.client
import json
import os
import pathlib
import random
import socket
import sys
import threading
import time

from gateway import Gateway, cpu_seconds, resident_bytes


class Visitor:
    def __init__(self, gateway, worker, seed):
        self.gateway, self.worker, self.random = gateway, worker, random.Random(seed)
        self.answers, self.jobs = collections.Counter(), []

    def ask(self, method, path, body=None, token=None, read=True, **fields):
        connection = http.client.HTTPConnection(self.gateway.address, timeout=90)
        try:
            if body is not None and not isinstance(body, bytes):
                body, fields["Content-Type"] = json.dumps(body).encode(), "application/json"
            headers = {name.replace("_", "-"): text for name, text in fields.items()}
            headers["Authorization"] = f"Bearer {token or self.gateway.token}"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            self.answers[f"{answer.status}"] += 1
            text = answer.read() if read else answer.read(1)
            if answer.status == 500:
                self.answers[f"{method} {path.split('/')[1:3]}: {text[:200]!r}"] += 1
            return answer.status, text
        finally:
            connection.close()

    def number(self):
        return self.random.choice(self.jobs) if self.jobs else 1

    def submit(self):
        items = [str(n) for n in range(self.random.randrange(1, 200))]
        status, text = self.ask("POST", "/v1/jobs", {"function": "echo", "items": items, "ttl_s": 30})
        if status == 201:
            self.jobs = [*self.jobs[-20:], json.loads(text)["job"]]

    def results(self):
        self.ask("GET", f"/v1/jobs/{self.number()}/results")

    def stream_in(self):
        lines = b"".join(b'"%d"\n' % n for n in range(5000))
        self.ask("POST", "/v1/jobs?function=echo&ttl_s=30", lines, Content_Type="application/x-ndjson")

    def look(self):
        number = self.number()
        self.ask("GET", self.random.choice(["/v1/jobs", f"/v1/jobs/{number}", f"/v1/jobs/{number}?wait=1", f"/v1/jobs/{number}/tasks",
                                            f"/v1/jobs/{number}/explain", f"/v1/jobs/{number}/errors", "/v1/workers", "/v1/functions",
                                            "/v1/broker", "/metrics", "/livez", "/", "/v1/openapi.json", "/v1/jobs?q=x&limit=1000"]))

    def events(self):
        self.ask("GET", "/v1/events", read=False)

    def file(self):
        # A few files again and again: the broker keeps each for minutes, and this is no test of its memory.
        content = random.Random(self.random.randrange(20)).randbytes(self.random.randrange(1, 4) << 20)
        path = f"/v1/blobs/{hashlib.blake2b(content, digest_size=32).hexdigest()}"
        self.ask("PUT", path, content)
        status, text = self.ask("GET", path)
        if status == 200 and text != content:
            self.answers["wrong bytes"] += 1
        self.ask("GET", path, read=False)  # broken off

    def pull(self):
        status, text = self.ask("POST", "/v1/leases", {"functions": ["soaked"], "max": 10, "wait_s": 0.5}, token=self.worker)
        if status != 200:
            return
        for lease in json.loads(text)["leases"]:
            self.ask("POST", f"/v1/leases/{lease['token']}/{self.random.choice(['complete', 'fail', 'release'])}",
                     {"result": 1} if self.random.random() < 0.9 else {"error": "x"}, token=self.worker)

    def feed(self):
        self.ask("POST", "/v1/jobs", {"function": "soaked", "items": ["a", "b"], "ttl_s": 30})

    def strange(self):
        self.ask(*self.random.choice([("GET", "/v1/nothing"), ("POST", "/v1/jobs", b"{"), ("POST", "/v1/jobs", {"function": 5}),
                                      ("GET", "/v1/jobs?limit=1000000000"), ("PUT", "/v1/blobs/x", b"y"), ("DELETE", "/v1/jobs/1")]))

    def garbage(self):
        with socket.create_connection((self.gateway.host, self.gateway.port), timeout=90) as plug:
            plug.sendall(self.random.choice([self.random.randbytes(500), b"GET / HTTP/1.1\r\n", b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n"
                                             b"Content-Length: 100\r\n\r\n{", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"]))
            if self.random.random() < 0.5:
                plug.settimeout(0.2)
                try:
                    plug.recv(4096)
                except OSError:
                    pass

    def visit(self, until):
        doings = [self.submit] * 5 + [self.results] * 5 + [self.look] * 10 + [self.stream_in, self.events, self.file, self.pull, self.feed,
                                                                            self.strange, self.garbage] * 2
        while time.monotonic() < until:
            try:
                self.random.choice(doings)()
            except OSError as error:
                self.answers[type(error).__name__] += 1
            except http.client.HTTPException as error:
                self.answers[type(error).__name__] += 1


def main():
    binaries, minutes = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 8
    with Gateway(binaries, workers=1) as gateway:
        worker = gateway.quern("keys", "token", "puller", "--role", "work").strip()
        visitors = [Visitor(gateway, worker, seed) for seed in range(threads)]
        begin = time.monotonic()
        running = [threading.Thread(target=one.visit, args=(begin + 60 * minutes,)) for one in visitors]
        descriptors = lambda: len(os.listdir(f"/proc/{gateway.pid}/fd"))  # noqa: E731
        print(f"before: {resident_bytes(gateway.pid) / 1e6:.1f} MB, {descriptors()} descriptors", flush=True)
        for one in running:
            one.start()
        while any(one.is_alive() for one in running):
            time.sleep(30)  # the interval of the samples
            print(f"{time.monotonic() - begin:4.0f} s: {resident_bytes(gateway.pid) / 1e6:.1f} MB, {descriptors()} descriptors, "
                  f"{sum(sum(one.answers.values()) for one in visitors)} answers", flush=True)
        for one in running:
            one.join()
        time.sleep(70)  # idle sessions end after a minute
        print(f"afterwards: {resident_bytes(gateway.pid) / 1e6:.1f} MB, {descriptors()} descriptors, {cpu_seconds(gateway.pid):.0f} s of a core")
        print(dict(sum((one.answers for one in visitors), collections.Counter())))
        log = pathlib.Path(gateway.folder.name, "2.log").read_text()
        print("log of the gateway:", log[-2000:] or "empty")


if __name__ == "__main__":
    main()
