"""The cost of a job while many wait: jobs of one task each, of many functions, and single tasks of another key among them.

    /usr/bin/python3 tests/bench/many_jobs.py [drain|queries|page|throughput ...]     QUERN_BUILD names the folder of the build

Prints one JSON object per measurement; without words, all of them.

throughput  `quern bench throughput` with one task a job, few jobs and many: jobs a second, and the broker's time per job.
drain       100,000 jobs of 1,000 functions are queued, then a worker comes; meanwhile the latency of single tasks of another key.
queries     the latency of single tasks while somebody else pipelines questions, beside the latency without them.
page        a million jobs are queued: how long a page of `quern jobs` takes, and what a job costs the broker in memory.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from peer import QUERY, WELCOME, Peer  # noqa: E402  (found in the folder above)

BUILD = pathlib.Path(os.environ.get("QUERN_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build/release")).resolve()
QUERN, BROKER, WORKER, MARKS = (BUILD / "bin" / name for name in ("quern", "quern-broker", "quern-worker", "quern-marks"))
PLUGIN = BUILD / "tests" / "libquern_many_functions.so"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Farm:
    """A broker with its own keys, a second key, and workers on request. Everything ends with the
    block.
    """

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="quern-many-jobs-")
        self.env = {**os.environ, "XDG_CONFIG_HOME": self.folder.name, "XDG_STATE_HOME": self.folder.name}
        self.env.pop("QUERN_KEYS", None)
        self.processes = []
        self.broker = self.start(BROKER, "--bind", "tcp://127.0.0.1:0", "--no-store")
        self.endpoint = self.broker.stdout.readline().split()[1]
        self.env["QUERN_BROKER"] = self.endpoint
        self.quern("keys", "add", "alice", "--role", "submit,read")
        self.alice = str(pathlib.Path(self.folder.name) / "quern" / "issued" / "alice")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait()
        self.folder.cleanup()

    def start(self, *words, env=None):
        log = open(pathlib.Path(self.folder.name) / f"{len(self.processes)}.log", "w")
        process = subprocess.Popen([str(word) for word in words], env=env or self.env, text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=log)
        self.processes.append(process)
        return process

    def quern(self, *words):
        return subprocess.run([str(QUERN), *words], env=self.env, check=True, capture_output=True, text=True).stdout

    def worker(self):
        return self.start(WORKER, "--slots", "1", "--load", PLUGIN)

    def probe(self):
        """Starts to run single tasks of another key, one after another."""
        return self.start(MARKS, "probe", env={**self.env, "QUERN_KEYS": self.alice})

    def latency(self, seconds=2):
        probe = self.probe()
        time.sleep(seconds)
        return found(probe)


def found(probe):
    probe.stdin.write("stop\n")
    probe.stdin.flush()
    return json.loads(probe.stdout.readline())


def throughput():
    report = {}
    for jobs in (500, 20_000):
        with Farm() as farm:
            farm.worker()
            words = ("bench", "throughput", "--broker", farm.endpoint, "--tasks", str(jobs), "--jobs", str(jobs), "--json")
            farm.quern(*words, "--repeat", "1")
            before, repeat = cpu_seconds(farm.broker.pid), max(3, 20_000 // jobs)
            done = json.loads(farm.quern(*words, "--repeat", str(repeat)))
            spent = cpu_seconds(farm.broker.pid) - before
            report[jobs] = {"jobs_per_s": round(done["tasks_per_s"]), "broker_us_per_job": round(spent / repeat / jobs * 1e6, 1)}
    return report


def drain(jobs=100_000, functions=1000):
    with Farm() as farm:
        marks = farm.start(MARKS, "queue", farm.broker.pid, jobs, functions)
        report = json.loads(marks.stdout.readline())
        before = cpu_seconds(farm.broker.pid)
        probe = farm.probe()
        farm.worker()
        marks.stdin.write("go\n")
        marks.stdin.flush()
        report |= json.loads(marks.stdout.readline())
        report["broker_us_per_job"] = round((cpu_seconds(farm.broker.pid) - before) / jobs * 1e6, 1)
        report["of_another_key"] = found(probe)
        report["of_another_key_alone"] = farm.latency()
        return report


def queries(count=10_000):
    with Farm() as farm:
        farm.worker()
        marks = farm.start(MARKS, "queue", farm.broker.pid, 1000, 1000)
        marks.stdout.readline()
        alone = farm.latency()
        peer = Peer(farm.endpoint, pathlib.Path(farm.folder.name) / "quern")
        peer.hello()
        session, _ = peer.receive_a(WELCOME)
        for token in range(1, count + 1):
            peer.send(QUERY, session, {"token": token, "what": "jobs", "limit": 1000})
        answers, stop = [], threading.Event()

        def read():
            while not stop.is_set():
                if peer.socket.poll(100):
                    answers.append(len(b"".join(peer.socket.recv_multipart())))

        reader = threading.Thread(target=read)
        reader.start()
        meanwhile = farm.latency()
        stop.set()
        reader.join()
        peer.close()
        return {"questions": count, "answers_meanwhile": len(answers), "bytes_of_them": sum(answers), "of_another_key_alone": alone,
                "of_another_key": meanwhile}


def page(jobs=1_000_000):
    with Farm() as farm:
        marks = farm.start(MARKS, "queue", farm.broker.pid, jobs, 1000)
        report = json.loads(marks.stdout.readline())
        took = []
        for _ in range(20):
            begin = time.monotonic()
            farm.quern("jobs", "--json")
            took.append((time.monotonic() - begin) * 1e3)
        report["page_ms"] = {"median": round(statistics.median(took), 1), "max": round(max(took), 1)}
        return report


def main():
    known = {"throughput": throughput, "drain": drain, "queries": queries, "page": page}
    for word in sys.argv[1:] or known:
        print(json.dumps({word: known[word]()}), flush=True)


if __name__ == "__main__":
    main()
