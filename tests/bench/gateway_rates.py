"""Requests per second of the gateway, beside a bare Beast server with the same body in the same run.

usage: gateway_rates.py FOLDER_OF_PROGRAMS [--seconds N]   (needs wrk; prints one JSON object)
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request

ROUNDS = 3


def wrk(url, seconds, *options, script=None):
    words = ["wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", *options, url]
    if script:
        words[1:1] = ["-s", script]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        sys.exit(f"gateway_rates: {bad.group(0)} from {url}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=4)
    given = parser.parse_args()
    bare_program = next(given.binaries.parent.rglob("bare_http"))
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder, "PATH": f"{given.binaries}:{os.environ['PATH']}"}
        env.pop("QUERN_KEYS", None)
        words = ["quern", "up", "--bind", "tcp://127.0.0.1:0", "--http", "127.0.0.1:0", "--json"]
        up = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            url = json.loads(up.stdout.readline())["http"]
            token = subprocess.check_output(["quern", "keys", "token", "bench", "--role", "submit,read"], env=env, text=True).strip()
            bearer = f"Authorization: Bearer {token}"

            def ask(path, body=None):
                request = urllib.request.Request(url + path, data=body, headers={"Authorization": bearer[15:], "Content-Type": "application/json"})
                return urllib.request.urlopen(request).read()

            job = json.loads(ask("/v1/jobs", b'{"function": "echo", "input": "x"}'))["job"]
            page = pathlib.Path(folder, "body")
            page.write_bytes(ask(f"/v1/jobs/{job}?wait=10"))
            post = pathlib.Path(folder, "post.lua")
            post.write_text('wrk.method = "POST"\nwrk.body = \'{"function": "noop", "input": "x", "durability": "memory", "ttl_s": 1}\'\n'
                            'wrk.headers["Content-Type"] = "application/json"\n')
            bare = subprocess.Popen([bare_program, page], stdout=subprocess.PIPE, text=True)
            bare_url = f"http://127.0.0.1:{bare.stdout.readline().strip()}/"
            rates = {"bare": [], "get_job": [], "post_job": [], "livez": []}
            for _ in range(ROUNDS):
                rates["bare"].append(wrk(bare_url, given.seconds))
                rates["livez"].append(wrk(url + "/livez", given.seconds))
                rates["get_job"].append(wrk(f"{url}/v1/jobs/{job}", given.seconds, "-H", bearer))
                rates["post_job"].append(wrk(f"{url}/v1/jobs", given.seconds, "-H", bearer, script=post))
            bare.kill()
        finally:
            up.terminate()
            up.wait()
    result = {name: round(statistics.median(values)) for name, values in rates.items()}
    for name in ("livez", "get_job", "post_job"):
        ratios = [one / bare for one, bare in zip(rates[name], rates["bare"])]
        result[f"{name}_ratio"] = [round(ratio, 3) for ratio in (statistics.median(ratios), min(ratios), max(ratios))]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
