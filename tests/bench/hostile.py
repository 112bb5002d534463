"""The share of throughput that honest peers keep while an authenticated peer floods the broker.

    /usr/bin/python3 tests/bench/hostile.py [TASKS]      prints one JSON object per attack; QUERN_BIN names the folder of the programs

Each attack is measured beside the same attacker flooding a bare socket instead (so the machine's cores are shared in the same way), both
at the lowest priority, in one run.
"""

import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import msgpack
import zmq

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("QUERN_BIN", TOP / "build" / "release" / "bin"))
ATTACKS = ("hello", "beat", "query", "refused", "garbage", "stale", "forged")


def message(kind, session):
    """One message of an attack."""
    if kind == "hello":
        return [msgpack.packb([1, 0, {"protocol_min": 1, "protocol_max": 1, "identity": os.urandom(16)}])]
    if kind == "beat":
        return [msgpack.packb([6, session, {}])]
    if kind == "query":
        return [msgpack.packb([21, session, {"token": 1, "what": "jobs"}])]
    if kind == "refused":
        return [msgpack.packb([16, session, {"job": os.urandom(16), "function": "x", "options": {"durability": "durable"}}])]
    if kind == "garbage":
        return [os.urandom(100), os.urandom(100)]
    if kind == "forged":
        return [msgpack.packb([64, session, {"id": [1, 1, 0], "last": True}])]
    return [msgpack.packb([21, 12345, {"token": 1, "what": "jobs"}])]


def attack(kind, endpoint, keys):
    """Floods until it is killed; opens a session first if the attack needs one."""
    os.nice(19)
    context = zmq.Context()
    side = "worker" if kind == "forged" else "client"

    def connect():
        peer = context.socket(zmq.DEALER)
        peer.linger = 0
        if keys:
            read = lambda name: (pathlib.Path(keys) / name).read_bytes().strip()
            peer.curve_serverkey, peer.curve_publickey, peer.curve_secretkey = read("broker.pub"), read(side + ".pub"), read(side + ".secret")
        peer.connect(endpoint)
        hello = {"protocol_min": 1, "protocol_max": 1, "identity": os.urandom(16)}
        if kind == "forged":
            hello.update(role="worker", worker={"functions": [], "capacity": {"slots": 1}})
        peer.send(msgpack.packb([1, 0, hello]))
        session = 0
        if peer.poll(2000 if keys else 0):
            session = msgpack.unpackb(peer.recv_multipart()[0], strict_map_key=False)[1]
        return peer, session

    peer, session = connect()
    parts = [message(kind, session) for _ in range(100)]
    n = 0
    while True:
        try:
            peer.send_multipart(parts[n % 100], zmq.DONTWAIT)
        except zmq.Again:
            peer.poll(10, zmq.POLLOUT)
        while peer.poll(0):
            peer.recv_multipart()
        n += 1
        if keys and n % 200_000 == 0:
            peer.close()
            peer, session = connect()


def sink():
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    print(f"tcp://127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}", flush=True)
    os.nice(19)
    while True:
        router.recv_multipart()


def spawn(*words, **options):
    return subprocess.Popen([sys.executable, "-B", __file__, *map(str, words)], **options)


def main():
    tasks = sys.argv[1] if len(sys.argv) > 1 else "3000000"
    with tempfile.TemporaryDirectory(prefix="quern-hostile-") as folder:
        env = {**os.environ, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        env.pop("QUERN_KEYS", None)

        def quern(*words):
            return subprocess.run([BIN / "quern", *words], env=env, capture_output=True, text=True, check=True).stdout

        broker = subprocess.Popen([BIN / "quern-broker", "--bind", "tcp://127.0.0.1:0", "--no-store", "--log-level", "error"], env=env,
                                  stdout=subprocess.PIPE)
        worker = None
        try:
            endpoint = broker.stdout.readline().decode().split()[1]
            env["QUERN_BROKER"] = endpoint
            worker = subprocess.Popen([BIN / "quern-worker", "--slots", "1", "--log-level", "error"], env=env)
            quern("keys", "add", "evil", "--role", "submit,read,work")
            evil = folder + "/quern/issued/evil"

            def throughput():
                return json.loads(quern("bench", "throughput", "--tasks", tasks, "--repeat", "1", "--json"))["tasks_per_s"]

            throughput()
            for kind in ATTACKS:
                control, attacked = [], []
                for _ in range(3):
                    for target, figures in (("sink", control), ("broker", attacked)):
                        drain = spawn("--sink", stdout=subprocess.PIPE) if target == "sink" else None
                        where = drain.stdout.readline().decode().strip() if drain else endpoint
                        flood = spawn("--attack", kind, where, "" if drain else evil)
                        time.sleep(1.0)  # until it runs at full speed
                        figures.append(throughput())
                        for process in (flood, drain):
                            if process:
                                process.kill()
                                process.wait()
                print(json.dumps({"attack": kind, "tasks_per_s": round(statistics.median(attacked)),
                                  "control_tasks_per_s": round(statistics.median(control)),
                                  "kept": round(statistics.median(attacked) / statistics.median(control), 2)}), flush=True)
            for action in ("block", "limit"):
                grep = subprocess.run([BIN / "quern", "audit", "grep", "--action", action, "--json"], env=env, capture_output=True, text=True)
                print(json.dumps({action: len(grep.stdout.splitlines())}))
        finally:
            for process in (worker, broker):
                if process:
                    process.send_signal(signal.SIGTERM)
                    process.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--attack"]:
        attack(*sys.argv[2:5])
    elif sys.argv[1:2] == ["--sink"]:
        sink()
    else:
        main()
