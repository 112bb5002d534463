"""Tasks per second through the gateway's pull workers: clients pull batches and complete them.

usage: pull_rates.py FOLDER_OF_PROGRAMS [--seconds N] [--connections N] [--batch N]   (prints one JSON object)
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--batch", type=int, default=100)
    given = parser.parse_args()
    load = next(given.binaries.parent.rglob("pull_load"))
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder, "PATH": f"{given.binaries}:{os.environ['PATH']}"}
        env.pop("QUERN_KEYS", None)
        running = []

        def start(*words):
            """Starts a program; what follows its "ready"."""
            running.append(subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
            return running[-1].stdout.readline().split()[1]

        try:
            env["QUERN_BROKER"] = start("quern-broker", "--bind", "tcp://127.0.0.1:0", "--no-store")
            port = start("quern-gateway", "--listen", "127.0.0.1:0").rsplit(":", 1)[1]
            token = subprocess.check_output(["quern", "keys", "token", "bench", "--role", "work"], env=env, text=True).strip()
            items = "".join(f"{i}\n" for i in range(int(1_000_000 * (given.seconds + 2)))).encode()
            subprocess.run(["quern", "run", "f", "--items", "-", "--detach"], env=env, input=items, stdout=subprocess.DEVNULL, check=True)
            words = [load, port, token, given.connections, given.batch, given.seconds]
            rate = int(subprocess.check_output([str(word) for word in words], text=True))
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait()
    print(json.dumps({"connections": given.connections, "batch": given.batch, "tasks_per_s": rate}))


if __name__ == "__main__":
    main()
