"""The same no-op tasks, 16 bytes in and 8 out, client -> server -> worker -> client, every result checked: Quern beside what one would
take instead, all in one run on this machine. Writes comparison.md and comparison.svg here. Run by scripts/bench.sh, which installs and
builds the others.

  compare.py QUERN_BIN RIVALS_BIN [--repeat N] [--scale S]      S below 1: fewer tasks
"""

import argparse
import contextlib
import datetime
import json
import math
import os
import pathlib
import platform
import socket
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 300


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(words, says=None, **options):
    """A process that ends with the block; waits for its output line `says`."""
    with subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options) as process:
        try:
            if says and process.stdout.readline().strip() != says:
                raise RuntimeError(f"{words[0]} did not start")
            yield process
        finally:
            process.kill()


def wait_for(port):
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


class Bench:
    def __init__(self, quern, rivals, scale):
        self.quern, self.rivals, self.scale = quern, rivals, scale

    def count(self, tasks):
        return max(1000, int(tasks * self.scale))

    def ask(self, *words):
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise RuntimeError(f"{words[0]} failed: {done.stderr}")
        return done.stdout

    def quern_map(self, *options, tasks=5_000_000):
        report = json.loads(self.ask(self.quern / "quern", "bench", "throughput", "--tasks", self.count(tasks), "--repeat", 1, "--json", *options))
        return report["tasks_per_s"], report["baseline_tasks_per_s"]

    def redis(self, folder, *options):
        port, tasks = free_port(), self.count(200_000)
        with running(["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder, *options]):
            wait_for(port)
            with running([self.rivals / "redis_tasks", "worker", port], "ready"):
                return tasks / float(self.ask(self.rivals / "redis_tasks", "client", port, tasks))

    def gearman(self, folder):
        port, tasks = free_port(), self.count(20_000)
        with running(["gearmand", "--port", port, "--listen", "127.0.0.1", "--log-file", "none", "--pid-file", f"{folder}/gearmand.pid"]):
            wait_for(port)
            with running([self.rivals / "gearman_tasks", "worker", port], "ready"):
                return tasks / float(self.ask(self.rivals / "gearman_tasks", "client", port, tasks))


# Name, how it is measured, and what it guarantees: whether a task is acknowledged when it is safe
# with the server, whether its result returns to the client, and whether it is done although its
# worker or the server dies.
CONTENDERS = [
    ("Quern, map", lambda b, f: b.quern_map()[0], "yes", "yes", "yes", "no; the job says so"),
    ("Quern, map, encrypted", lambda b, f: b.quern_map("--encrypt", "on")[0], "yes", "yes", "yes", "no; the job says so"),
    ("Quern, map, durable", lambda b, f: b.quern_map("--store", "durable")[0], "yes, synced", "yes", "yes", "yes"),
    ("Quern, a submit and a future each", lambda b, f: b.quern_map("--mode", "single", tasks=1_000_000)[0], "yes", "yes", "yes", "no; the future says so"),
    ("Redis streams, batched", lambda b, f: b.redis(f, "--appendonly", "no"), "yes", "by a list", "if somebody claims it", "no"),
    ("Redis streams, batched, AOF always", lambda b, f: b.redis(f, "--appendonly", "yes", "--appendfsync", "always"), "yes, synced", "by a list", "if somebody claims it", "yes"),
    ("gearmand, libgearman", lambda b, f: b.gearman(f), "yes", "yes", "yes", "no"),
]
BARE = "bare libzmq, batches of 1,000"


def measure(bench, repeats):
    found = {name: [] for name, *_ in CONTENDERS}
    found[BARE] = []
    for _ in range(repeats):
        found[BARE].append(bench.quern_map()[1])
        for name, run, *_ in CONTENDERS:
            # /var/tmp outlives a restart, so it is a disk.
            with tempfile.TemporaryDirectory(prefix="quern-compare-", dir="/var/tmp") as folder:
                found[name].append(run(bench, folder))
                print(f"{found[name][-1]:14,.0f} tasks/s  {name}", flush=True)
    return found


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({model}), Linux {platform.release().split('-')[0]}, {datetime.date.today()}"


def table(found, repeats):
    bare = statistics.median(found[BARE])
    lines = ["# No-op tasks side by side", "",
             f"16 bytes in, 8 out, client -> server -> worker -> client over TCP loopback, one worker, every result checked. Medians of {repeats} runs, in turn; {machine()}.",
             "`scripts/bench.sh` makes this page and the picture.", "", "![tasks per second](comparison.svg)", "",
             "| | tasks/s | spread | of bare libzmq | acknowledged | results come back | its worker dies | the server dies |",
             "|---|---:|---:|---:|---|---|---|---|"]
    for name, _, *guarantees in [*CONTENDERS, (BARE, None, "no", "yes", "lost", "lost")]:
        rates = found[name]
        middle = statistics.median(rates)
        lines.append(f"| {name} | {middle:,.0f} | {min(rates):,.0f} to {max(rates):,.0f} | {middle / bare:.4f} | " + " | ".join(guarantees) + " |")
    return "\n".join(lines) + "\n"


def picture(found):
    """Bars on a logarithmic scale, the longest first."""
    rows = sorted(((statistics.median(rates), name) for name, rates in found.items()), reverse=True)
    low, high = 3, math.ceil(math.log10(rows[0][0]))
    left, width, step, top = 270, 560, 30, 40
    x_of = lambda rate: left + width * (math.log10(rate) - low) / (high - low)
    height = top + step * len(rows) + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {height}" font-family="sans-serif" font-size="13">',
             f'<rect width="960" height="{height}" fill="white"/>',
             '<text x="14" y="22" font-size="15">No-op tasks per second, end to end (logarithmic)</text>']
    for power in range(low, high + 1):
        x = x_of(10**power)
        label = {3: "1k", 4: "10k", 5: "100k", 6: "1M", 7: "10M", 8: "100M"}[power]
        parts.append(f'<line x1="{x:.0f}" y1="{top - 6}" x2="{x:.0f}" y2="{height - 24}" stroke="#ddd"/>'
                     f'<text x="{x:.0f}" y="{height - 8}" text-anchor="middle" fill="#666">{label}</text>')
    for i, (rate, name) in enumerate(rows):
        y = top + step * i
        color = "#2a6f97" if name.startswith("Quern") else "#bbbbbb" if name == BARE else "#d08c60"
        text = f"{rate / 1e6:.1f}M" if rate >= 1e6 else f"{rate / 1e3:.0f}k" if rate >= 1e4 else f"{rate / 1e3:.1f}k"
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{name}</text>'
                     f'<rect x="{left}" y="{y}" width="{x_of(rate) - left:.0f}" height="{step - 10}" fill="{color}"/>'
                     f'<text x="{x_of(rate) + 6:.0f}" y="{y + 15}">{text}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quern", type=pathlib.Path)
    parser.add_argument("rivals", type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    given = parser.parse_args()
    found = measure(Bench(given.quern, given.rivals, given.scale), given.repeat)
    (given.out / "comparison.md").write_text(table(found, given.repeat))
    (given.out / "comparison.svg").write_text(picture(found))
    print(f"written: {given.out / 'comparison.md'}, {given.out / 'comparison.svg'}")


if __name__ == "__main__":
    main()
