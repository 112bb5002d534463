#!/usr/bin/env python3
"""A worker in plain Python that pulls its tasks over HTTP from quern-gateway.

    QUERN_TOKEN=$(quern keys token squares --role work) ./http_worker.py
    quern run square --items numbers.txt

QUERN_HTTP names the gateway, by default http://127.0.0.1:7680.
"""

import json
import os
import socket
import time
import urllib.error
import urllib.request
import uuid

GATEWAY = os.environ.get("QUERN_HTTP", "http://127.0.0.1:7680")
NAME = f"{socket.gethostname()}-{os.getpid()}"


def square(text):
    return int(text) ** 2


def post(path, **fields):
    """Sends until there is an answer: every request may be repeated."""
    request = urllib.request.Request(GATEWAY + path, json.dumps(fields).encode(), {
        "Authorization": "Bearer " + os.environ.get("QUERN_TOKEN", ""), "Content-Type": "application/json"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 409:  # too late: the lock has ended, and others have the task
                return None
            if error.code not in (429, 503):
                raise SystemExit(f"{path}: {json.load(error)['detail']}")
            time.sleep(float(error.headers.get("Retry-After", 1)))
        except (OSError, ValueError):  # no gateway, or an answer that was cut
            time.sleep(1)


def main():
    while True:
        pulled = post("/v1/leases", functions=["square"], max=10, wait_s=60, lock_s=60,
                      request_id=str(uuid.uuid4()), worker=NAME)
        for lease in pulled["leases"]:
            path = "/v1/leases/" + lease["token"]
            try:
                result = square(lease["input"])
            except ValueError as error:
                post(path + "/fail", error=str(error), permanent=True)
            else:
                post(path + "/complete", result=result)


if __name__ == "__main__":
    main()
