"""What many clients cost the gateway: streams of events, silent connections, viewers of a page.

    gateway_crowds.py FOLDER_OF_PROGRAMS [sse|silent|viewers ...] [--quick] [--json]

Without words, all of them. A ratio is a median, with the least and the greatest. `silent` needs wrk.

sse      10,000 clients of GET /v1/events and one event a second: processor time of the gateway, and memory per client.
silent   the p99 of a request among 2,000 connections that send nothing, beside the p99 without them, in turns.
viewers  `quern bench throughput` with 1M tasks while 20 viewers have a stream of events each and ask for the lists once a
         second, beside the throughput without them, in turns.
"""

import argparse
import json
import re
import resource
import selectors
import socket
import statistics
import subprocess
import threading
import time

from gateway import Gateway, cpu_seconds, resident_bytes

PER_ADDRESS = 250  # the gateway allows 256


class Connections:
    """Sockets to a gateway, from as many addresses of this machine as needed, and what they read."""

    def __init__(self, gateway, count):
        self.gateway, self.selector, self.received, self.ends = gateway, selectors.DefaultSelector(), {}, 0
        self.sockets = [self.open(n) for n in range(count)]

    def open(self, n):
        plug = socket.socket()
        plug.bind((f"127.0.1.{1 + n // PER_ADDRESS}", 0))
        plug.connect((self.gateway.host, self.gateway.port))
        plug.setblocking(False)
        self.selector.register(plug, selectors.EVENT_READ, n)
        return plug

    def read(self, seconds, see=None):
        """Reads for some time; calls `see` with the number of a socket and its bytes, which are empty at its end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                try:
                    text = key.fileobj.recv(65536)
                except ConnectionResetError:
                    text = b""
                if not text:
                    self.ends += 1
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()
                if see:
                    see(key.data, text)

    def close(self):
        for plug in self.sockets:
            plug.close()


class Poster:
    """Submits a job a second that no worker takes: one event each."""

    def __init__(self, gateway):
        self.gateway, self.stop = gateway, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stop.wait(1):
            self.gateway.ask("POST", "/v1/jobs", {"function": "absent", "input": "x"})

    def close(self):
        self.stop.set()
        self.thread.join()


def sse(quick):
    clients, seconds = (2_000, 5) if quick else (10_000, 20)
    with Gateway(BINARIES, "--connections", "10100") as gateway:
        gateway.ask("GET", "/v1/jobs")
        memory = resident_bytes(gateway.pid)
        crowd, poster, events = Connections(gateway, clients), Poster(gateway), 0

        def see(_, text):
            nonlocal events
            events += text.count(b"event: job")

        try:
            for plug in crowd.sockets:
                plug.send(gateway.head("GET", "/v1/events?topics=jobs"))
            crowd.read(5)
            before, begin = cpu_seconds(gateway.pid), time.monotonic()
            crowd.read(seconds, see)
            spent, took = cpu_seconds(gateway.pid) - before, time.monotonic() - begin
        finally:
            poster.close()
            crowd.close()
        return {"clients": clients, "events_per_client_and_s": round(events / clients / took, 2), "connections_lost": crowd.ends,
                "share_of_a_core": round(spent / took, 3), "kib_per_client": round((resident_bytes(gateway.pid) - memory) / clients / 1024, 2)}


def p99_ms(url, token, seconds):
    words = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {token}", url]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", out).groups()
    return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


class Silent:
    """Connections that send nothing. The gateway closes each after 5 s, so they come back."""

    def __init__(self, gateway, count):
        self.crowd, self.over = Connections(gateway, count), False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        def again(n, text):
            if not text:
                self.crowd.sockets[n] = self.crowd.open(n)

        while not self.over:
            self.crowd.read(0.1, again)

    def close(self):
        self.over = True
        self.thread.join()
        self.crowd.close()


def silent(quick):
    count, rounds, seconds = 2_000, 3 if quick else 7, 2 if quick else 6
    with Gateway(BINARIES) as gateway:
        url = f"{gateway.url}/v1/jobs/{gateway.ask('POST', '/v1/jobs', {'function': 'absent', 'input': 'x'})['job']}"
        alone, among = [], []
        for _ in range(rounds):
            alone.append(p99_ms(url, gateway.token, seconds))
            crowd = Silent(gateway, count)
            try:
                among.append(p99_ms(url, gateway.token, seconds))
            finally:
                crowd.close()
    ratios = [one / other for one, other in zip(among, alone)]
    return {"connections": count, "p99_alone_ms": statistics.median(alone), "p99_among_ms": statistics.median(among), "ratio": spread(ratios)}


class Viewers:
    """Pages that are open: a stream of events each, and once a second the lists and one job."""

    PAGE = ("/v1/jobs?limit=100", "/v1/workers", "/v1/broker", "/v1/jobs/1")

    def __init__(self, gateway, count):
        self.gateway, self.over, self.answers = gateway, False, 0
        self.streams, self.polls = Connections(gateway, count), Connections(gateway, count)
        for plug in self.streams.sockets:
            plug.send(gateway.head("GET", "/v1/events"))
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def see(self, _, text):
        self.answers += text.count(b"HTTP/1.1 200")

    def run(self):
        requests = b"".join(self.gateway.head("GET", path) for path in self.PAGE)
        count = len(self.polls.sockets)
        while not self.over:
            for plug in self.polls.sockets:
                plug.send(requests)
                self.polls.read(0.5 / count, self.see)
                self.streams.read(0.5 / count)

    def close(self):
        self.over = True
        self.thread.join()
        self.streams.close()
        self.polls.close()


def viewers(quick):
    count, rounds, tasks = 20, 5 if quick else 15, 1_000_000
    with Gateway(BINARIES, workers=1) as gateway:
        words = ("bench", "throughput", "--broker", gateway.env["QUERN_BROKER"], "--tasks", tasks, "--repeat", 5, "--json")
        gateway.ask("POST", "/v1/jobs", {"function": "echo", "input": "x"})
        gateway.quern(*words)
        alone, among, answers = [], [], 0
        for _ in range(rounds):
            alone.append(json.loads(gateway.quern(*words))["tasks_per_s"])
            crowd = Viewers(gateway, count)
            try:
                among.append(json.loads(gateway.quern(*words))["tasks_per_s"])
            finally:
                crowd.close()
            answers += crowd.answers
    ratios = [one / other for one, other in zip(among, alone)]
    return {"viewers": count, "tasks": tasks, "answers": answers, "tasks_per_s_alone": round(statistics.median(alone)),
            "tasks_per_s_among": round(statistics.median(among)), "ratio": spread(ratios)}


def spread(ratios):
    """The median, the least and the greatest."""
    return [round(one, 3) for one in (statistics.median(ratios), min(ratios), max(ratios))]


def main():
    global BINARIES
    known = {"sse": sse, "silent": silent, "viewers": viewers}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries")
    parser.add_argument("what", nargs="*", choices=[*known, []])
    parser.add_argument("--quick", action="store_true", help="shorter, for a look")
    parser.add_argument("--json", action="store_true", help="one object per measurement")
    given = parser.parse_args()
    BINARIES = given.binaries
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    for word in given.what or known:
        found = known[word](given.quick)
        print(json.dumps({word: found}) if given.json else f"http {word}: " + ", ".join(f"{name} {one}" for name, one in found.items()),
              flush=True)


if __name__ == "__main__":
    main()
