"""A range on unequal workers (`--cpu-share`): its run time relative to work / sum of measured rates.

    tests/bench/unequal.py BIN_DIRECTORY [SHARE...]

Starts a broker and a worker per share (default 0.8 0.4 0.2: together less than two cores, so that they do not slow each other), runs `pi` over a range that takes about ten seconds,
and prints one JSON object per run. The rates are those that `quern workers` shows when the job has ended.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

RUNS = 3
SECONDS = 10


def run(bin_directory, shares):
    quern = str(bin_directory / "quern")
    with tempfile.TemporaryDirectory() as folder:
        broker = subprocess.Popen([bin_directory / "quern-broker", "--bind", "tcp://127.0.0.1:0", "--no-store", "--insecure"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        workers = []
        try:
            where = ["--broker", broker.stdout.readline().split()[1], "--insecure"]
            for share in shares:
                workers.append(subprocess.Popen([bin_directory / "quern-worker", *where, "--slots", "1", "--name", f"share-{share}", "--cpu-share", str(share)],
                                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder))

            def ask(*arguments):
                out = subprocess.run([quern, *arguments, *where, "--json"], check=True, capture_output=True, text=True).stdout
                return [json.loads(line) for line in out.splitlines() if line]

            while len(ask("workers")) < len(shares):
                time.sleep(0.05)
            rates = lambda: sum(rate["rate"] for worker in ask("workers") for rate in worker["rates"] if rate["function"] == "pi")
            subprocess.run([quern, "run", "pi", "--range", "0:20000000", *where], check=True, capture_output=True)
            tasks = int(rates() * SECONDS)
            number = subprocess.run([quern, "run", "pi", "--range", f"0:{tasks}", "--detach", *where], check=True, capture_output=True, text=True).stdout.strip()
            subprocess.run([quern, "wait", number, *where], check=True, capture_output=True)
            job = ask("job", number)[0]
            total = rates()
            return {"shares": shares, "tasks": tasks, "run_s": job["run_s"], "sum_of_rates": total, "ratio": job["run_s"] / (tasks / total),
                    "by_worker": {share["worker"]: share["tasks"] for share in job["workers"]}}
        finally:
            for process in [*workers, broker]:
                process.terminate()
            for process in [*workers, broker]:
                process.wait()


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[1]).resolve()
    given = [float(share) for share in sys.argv[2:]] or [0.8, 0.4, 0.2]
    for _ in range(RUNS):
        print(json.dumps(run(directory, given)), flush=True)
