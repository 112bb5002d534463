"""The cost of connected idle workers: processor time of the broker, and the latency of a task among them.

  idle_workers.py [WORKERS] [SECONDS]         QUERN_BIN names the folder of the programs; prints one JSON object
  idle_workers.py --connect ENDPOINT WORKERS  connects them to a broker without keys, until standard input ends
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import msgpack
import zmq

BIN = pathlib.Path(os.environ.get("QUERN_BIN", pathlib.Path(__file__).resolve().parents[2] / "build/release/bin"))
HELLO, WELCOME, BEAT = 1, 2, 6
BEAT_S = 5  # the interval that WELCOME gives to idle workers


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Idlers:
    """Workers without processes: each is a socket that sends HELLO and heartbeats and offers an
    unused function.
    """

    def __init__(self, endpoint, count):
        self.context = zmq.Context()
        self.context.max_sockets = count + 16
        self.sockets, self.sessions = [], []
        for i in range(count):
            worker = self.context.socket(zmq.DEALER)
            worker.linger, worker.rcvtimeo = 0, 30_000
            worker.connect(endpoint)
            offer = {"functions": [{"name": "nothing", "takes": "item"}], "capacity": {"slots": 1}}
            worker.send(msgpack.packb([HELLO, 0, {"identity": os.urandom(16), "name": f"idle-{i}", "role": "worker", "worker": offer}]))
            self.sockets.append(worker)
        for worker in self.sockets:
            kind, session, *_ = msgpack.unpackb(worker.recv_multipart()[0], strict_map_key=False)
            assert kind == WELCOME
            self.sessions.append(session)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.send_heartbeats)
        self.thread.start()

    def send_heartbeats(self):
        """Spreads the heartbeats over time, like workers that connected one by one."""
        pause = BEAT_S / len(self.sockets)
        while True:
            for worker, session in zip(self.sockets, self.sessions):
                if self.stop.wait(pause):
                    return
                worker.send(msgpack.packb([BEAT, session, {}]))
                while worker.poll(0):
                    worker.recv_multipart()

    def close(self):
        self.stop.set()
        self.thread.join()
        self.context.destroy(0)


def latency(endpoint):
    done = subprocess.run([BIN / "quern", "bench", "latency", "--count", "2000", "--repeat", "3", "--json", "--broker", endpoint, "--insecure"],
                          capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    return {key: report[key] for key in ("p50_us", "p99_us", "ratio")}


def connect(endpoint, count):
    idlers = Idlers(endpoint, count)
    print("ready", flush=True)
    sys.stdin.read()
    idlers.close()


def main():
    if sys.argv[1:2] == ["--connect"]:
        return connect(sys.argv[2], int(sys.argv[3]))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as folder:
        broker = subprocess.Popen([BIN / "quern-broker", "--insecure", "--no-store", "--bind", "tcp://127.0.0.1:0", "--log-level", "error"],
                                  stdout=subprocess.PIPE, text=True, cwd=folder)
        endpoint = broker.stdout.readline().split()[1]
        worker = subprocess.Popen([BIN / "quern-worker", "--broker", endpoint, "--insecure", "--slots", "1", "--log-level", "error"])
        try:
            alone = latency(endpoint)  # waits for the worker itself
            idlers = Idlers(endpoint, count)
            try:
                before = cpu_seconds(broker.pid)
                time.sleep(seconds)  # the measured time
                share = (cpu_seconds(broker.pid) - before) / seconds
                among = latency(endpoint)
            finally:
                idlers.close()
        finally:
            for process in (worker, broker):
                process.terminate()
                process.wait()
    print(json.dumps({"workers": count, "broker_cores": round(share, 4), "alone": alone, "among": among}))


if __name__ == "__main__":
    main()
