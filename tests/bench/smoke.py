"""Runs a benchmark program briefly and checks that every benchmark runs and prints a figure.

    smoke.py PROGRAM [OPTIONS OF GOOGLE BENCHMARK]

The exit status is 1 if the program fails, runs nothing, or reports an error. Speed is not checked.
"""
import json
import subprocess
import sys


def main():
    command = sys.argv[1:] + ["--benchmark_format=json"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{command[0]} ended with {run.returncode}: {run.stderr}")
    runs = json.loads(run.stdout)["benchmarks"]
    if not runs:
        sys.exit(f"{command[0]} ran no benchmark: {run.stderr}")
    for each in runs:
        if each.get("error_occurred"):
            sys.exit(f"{each['name']} failed: {each['error_message']}")
        if not each["real_time"] > 0:
            sys.exit(f"{each['name']} took no time: {each}")
        print(f"{each['name']}: {each['real_time']:.3g} {each['time_unit']}")


if __name__ == "__main__":
    main()
