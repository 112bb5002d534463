"""Mutated handshakes against a real broker: the recorded bytes of a client with a valid key are changed, replayed, cut or doubled.

    /usr/bin/python3 tests/fuzz/handshakes.py [COUNT] [SEED]      prints one JSON object; QUERN_BIN names the folder of the programs

Nobody may get in, nothing may leak, and the broker must serve others afterwards. Exit 1 when that does not hold.
"""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("QUERN_BIN", TOP / "build" / "release" / "bin"))


def record(endpoint, act):
    """The bytes that the client of one connection sends while `act(endpoint of a relay)` runs."""
    said = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))

    def relay():
        near, _ = listener.accept()
        far = socket.create_connection(endpoint)

        def pump(source, sink, keep):
            try:
                while data := source.recv(65536):
                    if keep:
                        said.extend(data)
                    sink.sendall(data)
            except OSError:
                pass
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        back = threading.Thread(target=pump, args=(far, near, False), daemon=True)
        back.start()
        pump(near, far, True)
        back.join()
        near.close()
        far.close()

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    act(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    thread.join(10)
    listener.close()
    return bytes(said)


def mutate(rng, said):
    """A mutation of the recording; one time in twenty the recording itself (a replay)."""
    data = bytearray(said)
    kind = rng.randrange(20)
    if kind == 0:
        return bytes(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 50))):
        at = rng.randrange(len(data)) if rng.random() < 0.5 else rng.randrange(min(len(data), 300))
        change = rng.randrange(5)
        if change == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif change == 2:
            del data[at:at + rng.randrange(1, 80)]
        elif change == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 80))
        else:
            data[at:at] = data[at:at + rng.randrange(1, 200)]
        if not data:
            data = bytearray(b"\xff")
    return bytes(data)


def figures(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return resident, len(os.listdir(f"/proc/{pid}/fd"))


def attack(endpoint, said, count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        data = mutate(rng, said)
        try:
            with socket.create_connection(endpoint, timeout=5) as wire:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # no TIME_WAIT, so that ports do not run out
                cut = rng.choice((len(data), 64, 64 + 202, rng.randrange(len(data))))
                wire.sendall(data[:cut])
                if rng.random() < 0.3:  # in the same steps as a real handshake
                    wire.settimeout(0.02)
                    try:
                        wire.recv(4096)
                    except OSError:
                        pass
                    wire.sendall(data[cut:])
        except OSError:
            pass  # the broker closed the connection, as expected


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    with tempfile.TemporaryDirectory(prefix="quern-handshakes-") as folder:
        env = {**os.environ, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        env.pop("QUERN_KEYS", None)
        broker = subprocess.Popen([BIN / "quern-broker", "--bind", "tcp://127.0.0.1:0", "--no-store"], env=env,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            where = broker.stdout.readline().decode().split()[1]
            host, port = where.removeprefix("tcp://").rsplit(":", 1)
            endpoint = (host, int(port))

            def jobs(at):
                return subprocess.run([BIN / "quern", "run", "absent", "--input", "x", "--detach", "--broker", at], env=env,
                                      capture_output=True, timeout=60, check=True)

            said = record(endpoint, jobs)
            attack(endpoint, said, 200, seed)  # warm up everything that grows only once
            time.sleep(0.5)
            before = figures(broker.pid)
            start = time.monotonic()
            threads = [threading.Thread(target=attack, args=(endpoint, said, count // 4, seed + n + 1)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.monotonic() - start
            deadline = time.monotonic() + 30
            while figures(broker.pid)[1] > before[1] + 5 and time.monotonic() < deadline:
                time.sleep(0.1)  # the broker ends hanging handshakes after 3 s
            after = figures(broker.pid)
            jobs(where)
            listed = subprocess.run([BIN / "quern", "jobs", "--json", "--broker", where], env=env, capture_output=True, check=True)
            jobs_there = len(listed.stdout.splitlines())
        finally:
            broker.send_signal(signal.SIGTERM)
            code = broker.wait(30)
        audit = [json.loads(line) for line in (pathlib.Path(folder) / "quern" / "audit.log").read_text().splitlines()]
        sessions = sum(line["action"] == "connect as client" for line in audit)
    # Two own submissions and one list: any other session or job means that an attacker was let in.
    good = code == 0 and jobs_there == 2 and sessions == 3 and after[1] <= before[1] + 5 and after[0] - before[0] < 50_000
    print(json.dumps({"handshakes": count, "seed": seed, "seconds": round(seconds, 1), "sessions": sessions - 3, "jobs": jobs_there - 2,
                      "rss_kib": [before[0], after[0]], "descriptors": [before[1], after[1]], "exit": code, "good": good}))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
