"""The protocol, spoken by a second implementation: golden vectors, then a real broker and worker.

QUERN_BIN names the directory of quern-broker and quern-worker; without it only the golden vectors are checked.
"""

import os
import pathlib
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

import msgpack
import zmq

from quern_client import (NAMES, Client, Message, Peer, ProtocolError, Refused, Worker, decode, encode, indices, pack_batch,
                          unpack_batch)

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
BIN = os.environ.get("QUERN_BIN")
START_S = 60  # a sanitizer build on a busy machine


def golden_frames(path):
    frames = []
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("part"):
            frames.append(b"")
        else:
            frames[-1] += bytes.fromhex(line)
    return frames


def golden(name):
    return golden_frames(GOLDEN / f"{name}.hex")


class GoldenTest(unittest.TestCase):
    def test_every_file_equals_its_message_byte_for_byte(self):
        files = sorted(GOLDEN.glob("*.hex"))
        self.assertGreater(len(files), 27)
        for path in files:
            with self.subTest(path.name):
                frames = golden_frames(path)
                message = decode(frames)
                self.assertEqual(path.read_text().splitlines()[0], f"# {message.name}")
                self.assertEqual(encode(message), frames)

    def test_every_type_has_a_file(self):
        self.assertEqual({decode(golden_frames(p)).name for p in GOLDEN.glob("*.hex")}, set(NAMES.values()))

    def test_batches_are_decoded(self):
        for path in GOLDEN.glob("*.hex"):
            message = decode(golden_frames(path))
            payloads = message.payloads()
            if payloads:
                with self.subTest(path.name):
                    first = 1 if message.get("has_common") else 0
                    self.assertEqual(pack_batch(payloads), (message["count"], message.parts[first:first + 2]))

    def test_the_worked_example_of_submit_is_decoded(self):
        count, parts = pack_batch([b"hello", b"quern!"])
        fields = {"job": b"\x11" * 16, "function": "echo", "input": "items", "window": 8388608, "count": count}
        self.assertEqual(encode(Message("SUBMIT", 0x1122334455667788, fields, parts)), golden("submit_two_raw_items"))

    def test_a_submit_with_every_field_is_decoded(self):
        message = decode(golden("submit_full"))
        self.assertEqual(message.parts[0], b"model")
        self.assertEqual(message.payloads(), [b"\x01", b"\xcd\x01\x02", b"\x03"])
        self.assertEqual(struct.unpack("<3f", message.parts[3]), (1.0, 0.5, 2.0))
        self.assertEqual(message["options"]["attempts"], 7)
        self.assertEqual(message["options"]["resources"], {"gpu": 1.0})

    def test_results_and_their_errors_are_decoded(self):
        message = decode(golden("results"))
        self.assertEqual(dict(zip(indices(message["tasks"]), message.payloads())), {0: b"\x01", 1: b"\x02", 5: b"\x03"})
        self.assertEqual(message["errors"][0], {"first": 7, "count": 2, "code": "timeout", "text": "over 5 s"})
        self.assertEqual(message["errors"][1], {"first": 9, "text": "K\u00e4se"})
        self.assertEqual((indices(message["written"]), message.payloads()[3]), ([9], b"grated"))

    def test_sizes_that_do_not_add_up_are_refused(self):
        with self.assertRaises(ProtocolError):
            unpack_batch(2, b"\x02\0\0\0", b"abc")

    def test_bytes_that_are_not_a_header_are_refused(self):
        for header in (b"", b"hello", b"\x92\x01\x02", b"\x93\x63\x00\x80", b"\x93\x01\x00\x01"):
            with self.assertRaises(ProtocolError):
                decode([header])


class Process:
    """A Quern program that ends with the test."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([os.path.join(BIN, program), *arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def first_line(self):
        line = []
        reader = threading.Thread(target=lambda: line.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(START_S)
        if not line or not line[0]:
            raise RuntimeError("it printed nothing")
        return line[0].rstrip("\n")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@unittest.skipUnless(BIN, "QUERN_BIN is not set")
class ConversationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quern-python-")
        cls.addClassCleanup(folder.cleanup)
        cls.keys = folder.name + "/keys"
        cls.broker = Process("quern-broker", "--bind", "tcp://127.0.0.1:0", "--no-store", "--keys", cls.keys, "--no-audit")
        cls.addClassCleanup(cls.broker.stop)
        word, cls.endpoint = cls.broker.first_line().split(" ", 1)
        assert word == "ready", word
        worker = Process("quern-worker", "--broker", cls.endpoint, "--keys", cls.keys)
        cls.addClassCleanup(worker.stop)

    def client(self, hello=True):
        client = Client(self.endpoint, keys=self.keys)
        self.addCleanup(client.close)
        if hello:
            client.hello()
        return client

    def test_items_are_run(self):
        client = self.client()
        items = [bytes([i % 256]) * (i % 7) + b"\0\xff" * (i % 3) for i in range(1000)]
        self.assertIn(b"", items)
        job, accepted = client.submit("echo", items, input="items")
        self.assertEqual(accepted["accepted_to"], 1000)
        self.assertGreater(accepted["number"], 0)
        results, errors, final = client.collect(job, START_S)
        self.assertEqual(final["status"]["state"], "done")
        self.assertEqual(final["status"]["done"], 1000)
        self.assertTrue(final["status"]["divisible"])
        self.assertEqual(errors, [])
        self.assertEqual([results[i] for i in range(1000)], items)

    def test_a_range_is_reduced(self):
        client = self.client()
        job, _ = client.submit("sum", input="range", range_begin=1, range_end=101)
        results, errors, final = client.collect(job, START_S)
        self.assertEqual((results, errors), ({}, []))
        self.assertTrue(final["reduced"] and final["has_value"])
        self.assertEqual(final["status"]["encoding"], "value")
        self.assertEqual(msgpack.unpackb(final.parts[0]), 5050)

    def test_an_item_function_gets_the_integers_of_a_range(self):
        client = self.client()
        job, _ = client.submit("echo", input="range", range_begin=-2, range_end=3)
        results, _, final = client.collect(job, START_S)
        self.assertEqual(final["status"]["state"], "done")
        self.assertEqual([msgpack.unpackb(results[i]) for i in range(5)], [-2, -1, 0, 1, 2])

    def test_items_given_to_a_range_function_are_bad_input(self):
        client = self.client()
        job, _ = client.submit("sum", [b"x"], input="items")
        _, _, final = client.collect(job, START_S)
        self.assertEqual(final["status"]["state"], "failed")
        self.assertIn("--range A:B", final["status"]["reason"])

    def test_an_open_job_accepts_appends(self):
        client = self.client()
        job, accepted = client.submit("echo", [b"0", b"1"], input="items", open=True)
        self.assertGreater(accepted["credit_to"], 0)
        for first, payloads, close in ((2, [b"2", b"3"], False), (4, [b"4"], False), (5, [b"five", b""], True)):
            client.append(job, first, payloads, close)
            answer = client.expect_of("ACCEPTED", job)
            self.assertEqual(answer["accepted_to"], first + len(payloads))
        results, _, final = client.collect(job, START_S)
        self.assertEqual(final["status"]["total"], 7)
        self.assertEqual([results[i] for i in range(7)], [b"0", b"1", b"2", b"3", b"4", b"five", b""])

    def test_submit_and_append_are_idempotent(self):
        client = self.client()
        job, first = client.submit("echo", [b"0"], input="items", open=True)
        for _ in range(2):
            client.append(job, 1, [b"1", b"2"])
            self.assertEqual(client.expect_of("ACCEPTED", job)["accepted_to"], 3)
        client.append(job, 2, [b"2", b"3"], close=True)  # overlaps: trimmed
        self.assertEqual(client.expect_of("ACCEPTED", job)["accepted_to"], 4)
        results, _, final = client.collect(job, START_S)
        self.assertEqual([results[i] for i in range(4)], [b"0", b"1", b"2", b"3"])
        _, again = client.submit("echo", [b"0"], job=job, input="items", open=True)
        self.assertEqual(again["number"], first["number"])
        self.assertEqual(again["accepted_to"], 4)

    def test_an_append_beyond_the_end_is_malformed(self):
        client = self.client()
        job, _ = client.submit("echo", [b"0"], input="items", open=True)
        client.append(job, 5, [b"5"])
        with self.assertRaises(Refused) as refused:
            client.expect_of("ACCEPTED", job)
        self.assertEqual(refused.exception.code, "malformed")
        self.assertEqual(refused.exception.fields["job"], job)
        client.append(job, 1, close=True)
        self.assertEqual(client.collect(job, START_S)[2]["status"]["state"], "done")

    def test_another_client_can_follow_a_job(self):
        owner = self.client()
        job, accepted = owner.submit("echo", [b"a", b"b"], input="items")
        other = self.client()
        other.send("ATTACH", {"token": 7, "number": accepted["number"]})
        answer = other.expect("JOB")
        self.assertEqual(answer["token"], 7)
        self.assertEqual(answer["status"]["uuid"], job)
        other.keep(answer)
        results, _, _ = other.collect(job, START_S)
        self.assertEqual(results, {0: b"a", 1: b"b"})
        self.assertEqual(owner.collect(job, START_S)[0], results)

    def test_an_unknown_job_is_an_error(self):
        client = self.client()
        client.send("ATTACH", {"token": 9, "job": uuid.uuid4().bytes})
        with self.assertRaises(Refused) as refused:
            client.expect("JOB")
        self.assertEqual((refused.exception.code, refused.exception.fields["token"]), ("unknown_job", 9))

    def test_a_job_can_be_cancelled(self):
        client = self.client()
        job, _ = client.submit("a function nobody offers", [b"x"], input="items")
        client.send("CANCEL", {"token": 3, "job": job})
        _, _, final = client.collect(job, START_S)
        self.assertEqual(final["status"]["state"], "cancelled")

    def test_queries_are_answered(self):
        client = self.client()
        client.send("QUERY", {"token": 5, "what": "broker"})
        answer = client.expect("ANSWER")
        self.assertEqual(answer["token"], 5)
        self.assertGreaterEqual(answer["broker"]["clients"], 1)

    def test_a_hello_without_a_common_version_is_refused(self):
        client = self.client(hello=False)
        with self.assertRaises(Refused) as refused:
            client.hello(protocol_min=99, protocol_max=100)
        self.assertEqual(refused.exception.code, "version")
        self.assertTrue(str(refused.exception))

    def test_garbage_ends_only_its_own_session(self):
        good = self.client()
        for garbage in ([b"GET / HTTP/1.1"], [b""], [b"\xdd\xff\xff\xff\xff"], [b"\x91" * 100_000], [b"\x93\x10\x00\x80"] * 9):
            bad = self.client()
            bad.socket.send_multipart(garbage)
            error = bad.expect("ERROR")
            self.assertTrue(error["fatal"])
            self.assertIn(error.get("code", "malformed"), ("malformed", "limit"))
        job, _ = good.submit("echo", [b"still here"], input="items")
        self.assertEqual(good.collect(job, START_S)[0], {0: b"still here"})

    def test_garbage_without_a_session_is_answered(self):
        peer = Peer(self.endpoint, keys=self.keys)
        self.addCleanup(peer.close)
        peer.socket.send_multipart([b"\xc1"])
        self.assertTrue(peer.expect("ERROR")["fatal"])

    def test_a_message_of_an_old_session_is_answered_with_hello_again(self):
        client = self.client()
        client.session += 1000
        client.send("QUERY", {"token": 1})
        self.assertEqual(client.receive().name, "HELLO_AGAIN")
        client.close()
        client.open()
        client.hello()
        job, _ = client.submit("echo", [b"x"], input="items")
        self.assertEqual(client.collect(job, START_S)[0], {0: b"x"})

    def test_a_heartbeat_is_answered(self):
        client = self.client()
        client.send("BEAT", {})
        self.assertTrue(client.socket.poll(1000 * START_S))
        beat = decode(client.socket.recv_multipart())
        self.assertEqual((beat.name, beat["reply"]), ("BEAT", True))

    def test_a_worker_written_in_python_runs_a_lease(self):
        def shout(payload):
            if payload == b"no":
                raise ValueError("I will not say that")
            return payload.upper()

        worker = Worker(self.endpoint, {"shout": shout}, "python", keys=self.keys)
        client = self.client()
        job, _ = client.submit("shout", [b"a", b"no", b"ccc"], input="items", options={"attempts": 1})
        outcome = []
        collector = threading.Thread(target=lambda: outcome.append(client.collect(job, START_S)), daemon=True)
        collector.start()
        worker.start()
        worker.run_until(lambda: not collector.is_alive(), START_S)
        worker.bye()
        worker.close()
        results, errors, final = outcome[0]
        self.assertEqual(results, {0: b"A", 2: b"CCC"})
        self.assertEqual([(e["first"], e["text"]) for e in errors], [(1, "I will not say that")])
        self.assertEqual(final["status"]["state"], "failed")

    def test_an_idle_worker_sends_heartbeats_as_often_as_requested(self):
        worker = Worker(self.endpoint, {"idle": bytes}, "idle", keys=self.keys)
        self.addCleanup(worker.close)
        sent = []
        send, worker.send = worker.send, lambda name, fields, parts=(): (sent.append(name), send(name, fields, parts))
        worker.start()
        until = time.monotonic() + 3.5
        worker.run_until(lambda: time.monotonic() > until)
        self.assertEqual(sent[0], "HELLO")
        self.assertIn(sent.count("BEAT"), (2, 3))
        worker.bye()

    def test_a_lost_worker_is_told_to_say_hello_again(self):
        worker = Worker(self.endpoint, {"shy": bytes.upper}, "shy", keys=self.keys)
        client = self.client()
        worker.start()
        worker.session += 1000  # as if its session had ended
        worker.send("BEAT", {})
        job, _ = client.submit("shy", [b"x"], input="items")
        outcome = []
        collector = threading.Thread(target=lambda: outcome.append(client.collect(job, START_S)), daemon=True)
        collector.start()
        worker.run_until(lambda: not collector.is_alive(), START_S)
        worker.bye()
        worker.close()
        self.assertEqual(outcome[0][0], {0: b"X"})

    def test_the_bench_finds_a_wrong_result(self):
        def lie(payload):
            return b"wrong..." if payload[:8] == struct.pack("<Q", 1234) else payload[:8]

        broker = Process("quern-broker", "--bind", "tcp://127.0.0.1:0", "--no-store", "--keys", self.keys, "--no-audit")
        self.addCleanup(broker.stop)
        endpoint = broker.first_line().split(" ", 1)[1]
        for function, code in ((lambda payload: payload[:8], 0), (lie, 1)):
            worker = Worker(endpoint, {"noop": function}, "python", keys=self.keys)
            worker.start()
            bench = subprocess.Popen([os.path.join(BIN, "quern"), "bench", "throughput", "--tasks", "2000", "--repeat", "1",
                                      "--broker", endpoint, "--keys", self.keys], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.addCleanup(bench.kill)  # no effect after its end
            worker.run_until(lambda: bench.poll() is not None, START_S)
            worker.bye()
            worker.close()
            _, complaint = bench.communicate()
            self.assertEqual(bench.returncode, code, complaint)
        self.assertIn("task 1234: the result belongs to another task", complaint)


if __name__ == "__main__":
    unittest.main()
