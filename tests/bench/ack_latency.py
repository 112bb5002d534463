"""How long a durable acknowledgement takes on an idle broker, beside one write and fdatasync on the same disk in the same run.

    /usr/bin/python3 tests/bench/ack_latency.py [COUNT]      prints one JSON object; QUERN_BIN names the folder of the programs
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "python"))
from quern_client import Client  # noqa: E402

BIN = pathlib.Path(os.environ.get("QUERN_BIN", TOP / "build" / "release" / "bin"))


def quantiles(seconds):
    ordered = sorted(seconds)
    return {"p50_us": round(ordered[len(ordered) // 2] * 1e6), "p99_us": round(ordered[len(ordered) * 99 // 100] * 1e6)}


def timed(count, what):
    out = []
    for i in range(count):
        start = time.perf_counter()
        what(i)
        out.append(time.perf_counter() - start)
    return quantiles(out)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="quern-ack-", dir="/var/tmp") as folder:
        broker = subprocess.Popen([BIN / "quern-broker", "--bind", "tcp://127.0.0.1:0", "--store", folder + "/store", "--insecure"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            endpoint = broker.stdout.readline().decode().split()[1]
            client = Client(endpoint)
            client.hello()

            def submit(_):
                client.submit("echo", [b"x" * 16], detach=True)  # returns with ACCEPTED

            acknowledged = timed(count, submit)
            with open(folder + "/bare", "wb", buffering=0) as bare:

                def sync(_):
                    bare.write(b"x" * 4096)
                    os.fdatasync(bare.fileno())

                synced = timed(count, sync)
        finally:
            broker.send_signal(signal.SIGTERM)
            broker.wait()
    mark = 3 * synced["p99_us"] + 1000
    print(json.dumps({"acknowledged": acknowledged, "fdatasync": synced, "mark_p99_us": mark,
                      "summary": f"a durable acknowledgement takes {acknowledged['p50_us']} us (p99 {acknowledged['p99_us']} us); "
                                 f"one fdatasync {synced['p50_us']} us (p99 {synced['p99_us']} us)"}))


if __name__ == "__main__":
    main()
