"""Commands per second of `quern map` beside xargs and GNU parallel, lines per second through a co-process, and blocks beside
`parallel --pipe`, each pair in turn in one run, so that only the ratios count.

    tests/bench/commands.py build/release/bin [--commands 2000] [--lines 1000000] [--mib 256] [--repeat 3] [--memory-mib 1024]
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time


def seconds(command, env, stdin=None):
    """The run time of a shell command, whose standard output is discarded."""
    begin = time.monotonic()
    subprocess.run(["bash", "-c", command], env=env, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - begin


def compare(title, unit, commands, env, repeat):
    """Runs all commands in turn, several times; prints medians and the ratio of the first to the
    others. Each command comes with its amount of work.
    """
    taken = {name: [] for name in commands}
    for _ in range(repeat):
        for name, (amount, command) in commands.items():
            taken[name].append(amount / seconds(command, env))
    rates = {name: statistics.median(all_rates) for name, all_rates in taken.items()}
    ours = next(iter(rates))
    print(f"{title}")
    for name, rate in rates.items():
        spread = f"{min(taken[name]):.0f} to {max(taken[name]):.0f}"
        ratio = "" if name == ours else f"   {ours} is {rates[ours] / rate:.2f} of it"
        print(f"  {name:22} {rate:12.0f} {unit}  ({spread}){ratio}", flush=True)


def peak_bytes(pid):
    """The peak resident memory of a process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def descendants(pid):
    found = [pid]
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += descendants(int(child))
    return found


def bounded_memory(binaries, env, up, mebibytes):
    """Pipes much data through and prints the peak memory of each process."""
    line = b"x" * 99 + b"\n"
    block = line * 10_000
    for words in (["--pipe", "wc", "-l"], ["--loop", "cat"]):
        client = subprocess.Popen([binaries / "quern", "map", *words], env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        peaks = {}

        def watch():
            while client.poll() is None:
                for pid in [client.pid, *descendants(up)]:
                    try:
                        name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
                        if name.startswith("quern"):
                            peaks[(name, pid)] = max(peaks.get((name, pid), 0), peak_bytes(pid))
                    except OSError:
                        pass
                time.sleep(0.05)

        watcher = threading.Thread(target=watch)
        watcher.start()
        begin = time.monotonic()
        for _ in range((mebibytes << 20) // len(block)):
            client.stdin.write(block)
        client.stdin.close()
        client.wait()
        watcher.join()
        took = time.monotonic() - begin
        print(f"{mebibytes} MiB through `quern map {' '.join(words)}`: {took:.1f} s, {mebibytes / took:.0f} MiB/s, exit {client.returncode}")
        for (name, _), most in sorted(peaks.items()):
            print(f"  {name:16} at most {most / (1 << 20):.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--commands", type=int, default=2000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--memory-mib", type=int, default=1024)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    binaries = options.binaries.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quern-bench-", dir="/var/tmp"))
    env = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder), "HOME": str(folder)}
    (folder / ".parallel").mkdir()
    (folder / ".parallel" / "will-cite").touch()
    up = subprocess.Popen([binaries / "quern", "up", "--bind", "tcp://127.0.0.1:0", "--no-http", "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        env["QUERN_BROKER"] = json.loads(up.stdout.readline())["broker"]
        subprocess.run([binaries / "quern", "map", "true", ":::", "x"], env=env, check=True)
        n = options.commands
        compare(f"{n} times true (GNU parallel: a tenth)", "commands/s", {
            "quern map": (n, f"seq {n} | quern map -- true {{}}"),
            "xargs -P2 -n1": (n, f"seq {n} | xargs -P2 -n1 true"),
            "parallel": (n // 10, f"seq {n // 10} | parallel true {{}}")}, env, options.repeat)
        lines = folder / "lines"
        with open(lines, "w") as out:
            for i in range(options.lines):
                out.write(f"line number {i}\n")
        compare(f"{options.lines} lines through cat", "lines/s", {
            "quern map --loop": (options.lines, f"quern map --loop -- cat < {lines}"),
            "quern map -k --loop": (options.lines, f"quern map -k --loop -- cat < {lines}")}, env, options.repeat)
        big = folder / "big"
        with open(big, "wb") as out:
            for _ in range(options.mib):
                out.write((b"x" * 99 + b"\n") * 10_485)
        compare(f"{options.mib} MiB through wc -l in blocks of 1 MiB", "MiB/s", {
            "quern map --pipe": (options.mib, f"quern map --pipe -- wc -l < {big}"),
            "parallel --pipe": (options.mib, f"parallel --pipe --block 1M wc -l < {big}")}, env, options.repeat)
        if options.memory_mib:
            bounded_memory(binaries, env, up.pid, options.memory_mib)
    finally:
        up.send_signal(signal.SIGINT)
        up.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
