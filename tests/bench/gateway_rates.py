"""Requests per second of the gateway, beside a bare Beast server with the same body in the same run.

    gateway_rates.py FOLDER_OF_PROGRAMS [--seconds N] [--rounds N] [--bare PROGRAM] [--json]

Needs wrk. Each round measures everything once, in turn; a ratio is that of one round.

livez     the smallest answer
get_job   GET /v1/jobs/{job}, the same job for all: the answers come from the cache of the gateway
post_job  POST /v1/jobs, a task that a worker runs
queue_job the same for a function that no worker has: what the submission alone costs
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys

from gateway import Gateway, bare_server

JOB = '{"function": "%s", "input": "x", "durability": "memory", "ttl_s": 1}'


def wrk(url, seconds, *options):
    words = ["wrk", "-t1", "-c64", f"-d{seconds}s", *options, url]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        sys.exit(f"gateway_rates: {bad.group(0)} from {url}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def post_script(gateway, function):
    """A file that makes wrk submit jobs."""
    script = pathlib.Path(gateway.folder.name, f"{function}.lua")
    script.write_text(f"wrk.method = 'POST'\nwrk.body = '{JOB % function}'\n"
                      "wrk.headers['Content-Type'] = 'application/json'\n")
    return script


def measure(given):
    with Gateway(given.binaries, workers=1) as gateway:
        job = gateway.ask("POST", "/v1/jobs", {"function": "echo", "input": "x"})["job"]
        page = pathlib.Path(gateway.folder.name, "body")
        page.write_text(json.dumps(gateway.ask("GET", f"/v1/jobs/{job}?wait=10"), separators=(",", ":")))
        bare, bare_url = bare_server(given.bare or given.binaries, page)
        token = ("-H", f"Authorization: Bearer {gateway.token}")
        runs = {"bare": (bare_url,), "livez": (gateway.url + "/livez",), "get_job": (f"{gateway.url}/v1/jobs/{job}", *token)}
        for name, function in (("post_job", "noop"), ("queue_job", "absent")):
            runs[name] = (gateway.url + "/v1/jobs", *token, "-s", str(post_script(gateway, function)))
        rates = {name: [] for name in runs}
        try:
            for _ in range(given.rounds):
                for name, (url, *options) in runs.items():
                    rates[name].append(wrk(url, given.seconds, *options))
        finally:
            bare.kill()
            bare.wait()
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", type=pathlib.Path, help="bare_http; otherwise searched beside the programs")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rates = measure(given)
    result = {}
    for name, values in rates.items():
        ratios = sorted(one / bare for one, bare in zip(values, rates["bare"]))
        result[name] = {"requests_per_s": round(statistics.median(values)),
                        "ratio": [round(one, 3) for one in (statistics.median(ratios), ratios[0], ratios[-1])]}
    if given.json:
        return print(json.dumps(result))
    for name, one in result.items():
        print("http %-9s %7d requests/s, %.3f of a bare server (%.3f to %.3f)" % (name, one["requests_per_s"], *one["ratio"]))


if __name__ == "__main__":
    main()
