"""A small Quern peer in Python, written from sdk/wire/PROTOCOL.md and nothing else.

It proves that the page suffices; it is not an SDK. One thread; every wait has an end.
Section numbers refer to the page.
"""

import math
import struct
import time
import uuid

import msgpack
import zmq

# Section 5: type numbers.
TYPES = {
    "HELLO": 1, "WELCOME": 2, "REFUSED": 3, "HELLO_AGAIN": 4, "ERROR": 5, "BEAT": 6, "BYE": 7,
    "ENROL": 8, "ENROLLED": 9,
    "SUBMIT": 16, "APPEND": 17, "ATTACH": 18, "ACK": 19, "CANCEL": 20, "QUERY": 21, "DRAIN": 22, "RETRY": 23, "PAUSE": 24,
    "SCHEDULE": 25,
    "ACCEPTED": 32, "RESULTS": 33, "JOB": 34, "ANSWER": 35,
    "LEASE": 48, "COMMON": 49, "FORGET": 50, "REPORTED": 51, "RECLAIM": 52, "REVOKE": 53, "BLOB": 54,
    "REPORT": 64, "RECLAIMED": 65, "DRAINING": 66, "FETCH": 67, "NOTES": 68, "WAIT": 69,
}
NAMES = {number: name for name, number in TYPES.items()}

FINAL = {"done", "failed", "cancelled", "lost"}


class ProtocolError(Exception):
    """Bytes that are not a message, or an answer that PROTOCOL.md does not define."""


class Refused(Exception):
    """REFUSED or ERROR: `code` is the error word, whose default differs between the two."""

    def __init__(self, message):
        super().__init__(message.get("text", ""))
        self.code = message.get("code", "malformed" if message.name == "ERROR" else "refused")
        self.fields = message.fields


class Message:
    """One message: its name, session, fields and the parts after the header."""

    def __init__(self, name, session, fields, parts=()):
        self.name, self.session, self.fields, self.parts = name, session, fields, list(parts)

    def __getitem__(self, key):
        return self.fields[key]

    def get(self, key, default=None):
        return self.fields.get(key, default)

    def payloads(self):
        """The batch (section 4); empty without one. `common` and `value` come before it."""
        count = self.get("count", 0)
        if count == 0:
            return []
        first = 1 if self.get("has_common") else 0
        return unpack_batch(count, self.parts[first], self.parts[first + 1])


def encode(message):
    """Section 3: the header, then the parts."""
    header = [TYPES[message.name], message.session, message.fields]
    return [msgpack.packb(header, use_bin_type=True)] + message.parts


def decode_all(frames):
    """The messages in one ZeroMQ message: piggybacked acknowledgements come first."""
    try:
        number, session, fields, *piggybacked = msgpack.unpackb(frames[0], raw=False, strict_map_key=False)
        found = [(*acknowledgement, []) for acknowledgement in (piggybacked[0] if piggybacked else [])]
        found.append((number, fields, frames[1:]))
        return [Message(NAMES[number], session, dict(fields), parts) for number, fields, parts in found]
    except Exception as error:
        raise ProtocolError(f"no message: {error}") from error


def decode(frames):
    """The same without piggybacked acknowledgements."""
    return decode_all(frames)[-1]


def pack_batch(payloads):
    """Section 4: (count, [sizes, bytes]); no parts for no payloads."""
    if not payloads:
        return 0, []
    sizes = [len(p) for p in payloads]
    if len(set(sizes)) == 1:
        sizes = sizes[:1]
    return len(payloads), [struct.pack(f"<{len(sizes)}I", *sizes), b"".join(payloads)]


def unpack_batch(count, sizes, data):
    if len(sizes) == 4:
        sizes = list(struct.unpack("<I", sizes)) * count
    else:
        sizes = list(struct.unpack(f"<{count}I", sizes))
    if sum(sizes) != len(data):
        raise ProtocolError("sizes do not add up")
    payloads, at = [], 0
    for size in sizes:
        payloads.append(data[at:at + size])
        at += size
    return payloads


def indices(intervals):
    """The task indices of a flat list of intervals."""
    return [i for begin, end in zip(intervals[::2], intervals[1::2]) for i in range(begin, end)]


def use_keys(socket, folder, side):
    """CURVE with the keys of a folder (`broker.pub`, `client.*`, `worker.*`: 40 characters of Z85
    each).
    """
    def key(name):
        with open(f"{folder}/{name}", "rb") as file:
            return file.read().strip()
    socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = key("broker.pub"), key(side + ".pub"), key(side + ".secret")


class Peer:
    """A session with the broker (1.1). `role` is "client", or "worker" with an offer. `keys` is a
    folder; without it, the connection is not encrypted.
    """

    side = "client"

    def __init__(self, endpoint, context=None, keys=None):
        self.keys = keys
        self.context = context or zmq.Context.instance()
        self.endpoint = endpoint
        self.identity = uuid.uuid4().bytes
        self.session = 0
        self.heartbeat_s = 1.0
        self.spoke = 0.0
        self.arrived = []
        self.open()

    def open(self):
        """A new socket, which contains nothing of the old session."""
        self.arrived.clear()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        if self.keys:
            use_keys(self.socket, self.keys, self.side)
        self.socket.connect(self.endpoint)

    def close(self):
        self.socket.close()

    def send(self, name, fields, parts=()):
        self.spoke = time.monotonic()
        self.socket.send_multipart(encode(Message(name, self.session, fields, parts)))

    def receive(self, seconds=10.0):
        """The next message that is not a heartbeat; sends heartbeats while it waits. TimeoutError
        if none arrives.
        """
        deadline = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            if now >= deadline:
                raise TimeoutError(f"no message within {seconds} s")
            if not self.arrived:
                until = deadline
                if self.session:  # no message was sent for the heartbeat interval, over any number of waits
                    if now >= self.spoke + self.heartbeat_s:
                        self.send("BEAT", {})
                    until = min(deadline, self.spoke + self.heartbeat_s)
                if not self.socket.poll(math.ceil(1000 * (until - now))):  # rounded up, because poll() truncates and would not wait for 0.9 ms
                    continue
                self.arrived += decode_all(self.socket.recv_multipart())
            message = self.arrived.pop(0)
            if message.name != "BEAT":
                return message
            if not message.get("reply", False):
                self.send("BEAT", {"reply": True})

    def expect(self, name, seconds=10.0):
        """The next message, which must be of this name; an ERROR or REFUSED instead is raised."""
        message = self.receive(seconds)
        if message.name in ("ERROR", "REFUSED") and message.name != name:
            raise Refused(message)
        if message.name != name:
            raise ProtocolError(f"{message.name} instead of {name}: {message.fields}")
        return message

    def hello(self, **fields):
        hello = {"protocol_min": 1, "protocol_max": 1, "identity": self.identity, "software": "quern_client.py"}
        self.session = 0
        self.send("HELLO", {**hello, **fields})
        welcome = self.expect("WELCOME")
        self.session = welcome.session
        self.heartbeat_s = welcome.get("beat_busy_ms", 1000) / 1000
        return welcome

    def bye(self):
        """Sends BYE; it may still leave during the second after close()."""
        self.send("BYE", {})
        self.socket.setsockopt(zmq.LINGER, 1000)


class Client(Peer):
    """Submits jobs and collects their results (1.2)."""

    def __init__(self, endpoint, keys=None):
        super().__init__(endpoint, keys=keys)
        self.kept = []

    def submit(self, function, payloads=(), job=None, common=None, **fields):
        """SUBMIT with the first payloads; returns the UUID and ACCEPTED."""
        job = job or uuid.uuid4().bytes
        count, parts = pack_batch(list(payloads))
        message = {"job": job, "function": function, **fields}
        if common is not None:
            message["has_common"] = True
            parts.insert(0, common)
        if count:
            message["count"] = count
        self.send("SUBMIT", message, parts)
        return job, self.expect_of("ACCEPTED", job)

    def append(self, job, first, payloads=(), close=False):
        count, parts = pack_batch(list(payloads))
        fields = {"job": job, "first": first, "close": close}
        if count:
            fields["count"] = count
        self.send("APPEND", fields, parts)

    def expect_of(self, name, job):
        """The next message of this name; RESULTS and JOB of any job are kept for collect()."""
        while True:
            message = self.receive()
            if message.name == name and message.get("job") == job:
                return message
            if message.name in ("ERROR", "REFUSED"):
                raise Refused(message)
            self.keep(message)

    def keep(self, message):
        self.kept.append(message)

    def collect(self, job, seconds=30.0):
        """Reads everything until the job is final: ({task: result}, [errors], the final JOB).
        Acknowledges each entry.
        """
        results, errors, final, entries = {}, [], None, 0
        deadline = time.monotonic() + seconds
        waiting, self.kept = self.kept, []
        while final is None or entries < final.get("entries", 0):
            message = waiting.pop(0) if waiting else self.receive(deadline - time.monotonic())
            if message.name == "RESULTS" and message["job"] == job:
                if message.get("seq", 0) != entries:
                    raise ProtocolError(f"entry {message.get('seq', 0)} instead of {entries}")
                entries += 1
                results.update(zip(indices(message.get("tasks", [])), message.payloads()))
                errors += message.get("errors", [])
                self.send("ACK", {"job": job, "cursor": entries, "release": True})
            elif message.name == "JOB" and message["status"]["uuid"] == job:
                if message["status"].get("state", "waiting") in FINAL:
                    final = message
            elif message.name in ("ERROR", "REFUSED", "HELLO_AGAIN"):
                raise Refused(message)
            elif message.name != "ACCEPTED":
                self.keep(message)
        return results, errors, final


class Worker(Peer):
    """Offers Python functions of one raw item each and runs their leases, one at a time (1.3)."""

    side = "worker"

    def __init__(self, endpoint, functions, name, keys=None):
        super().__init__(endpoint, keys=keys)
        self.functions = functions
        self.name = name

    def start(self):
        offer = {"functions": [{"name": name, "takes": "item"} for name in self.functions], "capacity": {"slots": 1}}
        return self.hello(role="worker", name=self.name, worker=offer)

    def run_until(self, done, seconds=60.0):
        """Runs leases until `done()`, which it calls after every message. TimeoutError after
        `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done within {seconds} s")
            try:
                message = self.receive(0.2)
            except TimeoutError:
                continue
            if message.name == "LEASE":
                self.run(message)
            elif message.name == "RECLAIM":
                self.send("RECLAIMED", {"lease": message["lease"]})  # every lease that arrives here has started
            elif message.name == "HELLO_AGAIN":  # it was silent for too long; every result was reported
                self.close()
                self.open()
                self.start()
            elif message.name == "REFUSED" or (message.name == "ERROR" and message.get("fatal", False)):
                raise Refused(message)

    def run(self, lease):
        function = self.functions[lease["function"]]
        tasks, results, errors = [], [], []
        for index, payload in zip(indices(lease["tasks"]), lease.payloads()):
            try:
                results.append(function(payload))
                tasks += [index, index + 1]
            except Exception as error:  # becomes the error of the task, as PROTOCOL.md says
                errors.append({"first": index, "text": str(error)})
        count, parts = pack_batch(results)
        report = {"id": [*lease["lease"], 0], "last": True, "tasks": tasks, "errors": errors, "busy_us": 1, "count": count}
        self.send("REPORT", report, parts)
