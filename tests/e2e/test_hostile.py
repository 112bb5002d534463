"""Malicious bytes: their session ends with an answer, they are counted, and everyone else is
unaffected.
"""

import os
import random
import socket
import struct
import threading
import unittest

import msgpack
import zmq
from peer import ERROR, HELLO_AGAIN, QUERY, REFUSED, WELCOME, Peer
from rig import Rig, wait_until

# ZMTP 3.0 greeting of a peer without security.
GREETING = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" * 32


class InTheClear(Rig):
    """A broker without encryption, so that the bytes reach the framing."""

    def test_a_partial_message_and_a_huge_length_do_no_harm(self):
        self.start_broker("--insecure")
        self.start_worker("w", "--insecure", wait=False)
        host, port = self.endpoint.removeprefix("tcp://").rsplit(":", 1)
        for tail in (b"\x00\x20half", b"\x02" + struct.pack(">Q", 1 << 62), b"\x01\x05hel"):
            with socket.create_connection((host, int(port)), timeout=20) as stream:
                stream.sendall(GREETING + b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER" + tail)
        self.assertEqual(self.ok("run", "sum", "--range", "1:101", "--insecure").out, "5050\n")


class Hostile(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w")
        self.ok("keys", "add", "evil", "--role", "submit,read,admin")

    def tearDown(self):
        """Checks that the broker still works for others."""
        self.assertTrue(self.broker.runs(), self.broker.err)
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")

    def peer(self):
        peer = Peer(self.endpoint, self.folder / "quern" / "issued" / "evil")
        self.addCleanup(peer.close)
        return peer

    def connect(self):
        host, port = self.endpoint.removeprefix("tcp://").rsplit(":", 1)
        stream = socket.create_connection((host, int(port)), timeout=20)
        self.addCleanup(stream.close)
        return stream

    def test_random_bytes_do_no_harm(self):
        random.seed(1)
        for size in (1, 10, 64, 1000, 100_000):
            stream = self.connect()
            try:
                stream.sendall(random.randbytes(size))
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(4096):
                    pass
            except OSError:
                pass  # the broker closed the connection, as expected

    def test_malformed_messages_are_answered_and_counted(self):
        random.seed(2)
        before = self.peer().broker_status().get("malformed", 0)
        bad = [b"", b"\xc1", b"\x93", b"\xdd\xff\xff\xff\xff", msgpack.packb([1, 0]), msgpack.packb({"a": 1}),
               msgpack.packb([999, 0, {}]), msgpack.packb([1, 0, {"identity": b"short"}]), random.randbytes(300), b"\x93" * 100_000]
        for header in bad:
            peer = self.peer()
            peer.send_parts(header)
            kind, _, _ = peer.receive()
            self.assertIn(kind, (ERROR, HELLO_AGAIN, REFUSED), header[:20])
        after = self.peer().broker_status().get("malformed", 0)
        self.assertGreaterEqual(after - before, len(bad))

    def test_too_many_parts_do_no_harm(self):
        peer = self.peer()
        peer.send_parts(*[b"x"] * 1000)
        kind, _, _ = peer.receive()
        self.assertIn(kind, (ERROR, HELLO_AGAIN, REFUSED))

    def test_a_wrong_version_is_refused_with_both_versions(self):
        peer = self.peer()
        before = self.peer().broker_status().get("refused", 0)
        peer.hello(protocol_min=1000, protocol_max=1001)
        _, refused = peer.receive_a(REFUSED)
        self.assertEqual(refused["code"], "version")
        self.assertIn("1000", refused["text"])
        self.assertEqual(self.peer().broker_status().get("refused", 0), before + 1)

    def test_a_flood_of_hellos_on_one_connection_is_blocked(self):
        peer = self.peer()
        for _ in range(5000):
            peer.hello()
        for _ in range(10):
            self.assertEqual(peer.receive()[0], WELCOME)
        # Requests beyond the needs of any peer are not answered, then the connection is blocked;
        # others of the key continue.
        wait_until(lambda: self.quern("audit", "grep", "--action", "block", "--principal", "evil").code == 0, "the record")
        other = self.peer()
        other.hello()
        other.receive_a(WELCOME)
        # A peer that does this on one connection after another gets a penalty and is told so. The
        # first penalty lasts a second, which may
        # end before the probe runs; the next one is longer.
        for _ in range(200):
            again = self.peer()
            for _ in range(500):
                again.hello()
            # The reason is sent at a limited rate, and the HELLOs of the flood come first, so retry
            # on a new connection without an answer.
            def answered():
                probe = self.peer()
                probe.hello()
                return probe.socket.poll(200) and probe
            kind, _, refused = wait_until(answered, "an answer").receive()
            if kind == REFUSED:
                break
        self.assertEqual(refused["code"], "limit")
        self.assertIn("too many HELLOs", refused["text"])
        self.assertEqual(self.quern("audit", "grep", "--action", "limit", "--principal", "evil").code, 0)

    def test_a_flooding_connection_does_not_block_others_of_its_key(self):
        floods = {
            "garbage": lambda peer: peer.send_parts(b"\xc1garbage"),
            "hellos": lambda peer: peer.hello(),
            "stale": lambda peer: peer.send(QUERY, 987654321, {"token": 1, "what": "jobs"}),
        }
        for number, (name, once) in enumerate(floods.items(), 1):
            with self.subTest(name):
                peer = Peer(self.endpoint, self.folder / "quern", "worker")
                self.addCleanup(peer.close)
                stop = threading.Event()

                def flood():
                    while not stop.is_set():
                        try:
                            once(peer)
                        except zmq.Again:  # the broker no longer reads it
                            stop.wait(0.01)

                thread = threading.Thread(target=flood)
                thread.start()
                try:
                    wait_until(lambda: self.quern("audit", "grep", "--action", "block").out.count("\n") == number, "the record")
                    for _ in range(5):
                        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
                finally:
                    stop.set()
                    thread.join()
        # One record each: a blocked connection is not recorded any further, and its key gets no
        # penalty.
        self.assertEqual(self.quern("audit", "grep", "--action", "block").out.count("\n"), len(floods))
        self.assertEqual(self.quern("audit", "grep", "--action", "limit").out, "")

    def test_a_flood_of_connections_does_no_harm(self):
        for _ in range(200):
            peer = Peer(self.endpoint, self.folder / "quern")
            peer.hello()
            peer.receive_a(WELCOME)
            peer.close()

    def test_a_message_of_an_unknown_session_is_answered_with_hello_again(self):
        peer = self.peer()
        peer.send(QUERY, 123456789, {"token": 1, "what": "jobs"})
        self.assertEqual(peer.receive()[0], HELLO_AGAIN)

    def test_a_session_of_another_peer_cannot_be_used(self):
        owner, thief = self.peer(), self.peer()
        owner.hello()
        session, _ = owner.receive_a(WELCOME)
        thief.send(QUERY, session, {"token": 1, "what": "jobs"})
        self.assertEqual(thief.receive()[0], HELLO_AGAIN)

    def test_a_client_can_neither_work_nor_report_results(self):
        peer = self.peer()
        peer.hello()
        session, _ = peer.receive_a(WELCOME)
        peer.send(66, session, {})  # DRAINING, a message of workers
        _, error = peer.receive_a(ERROR)
        self.assertEqual(error["code"], "denied")
        peer = self.peer()
        peer.hello(role="worker", worker={"functions": [], "capacity": {"slots": 1}})
        self.assertEqual(peer.receive_a(REFUSED)[1]["code"], "denied")

    def test_invalid_offers_of_a_worker_are_refused(self):
        peer = self.peer()
        peer.hello(role="worker", worker={"functions": [{"name": "x" * 1000}]})
        self.assertIn(peer.receive()[0], (ERROR, REFUSED))
        self.assertNotIn("peer", self.worker_names())

    def test_garbage_during_a_running_job_does_no_harm(self):
        run = self.quern_start("run", "same", "--range", "0:20000")
        peer = self.peer()
        for _ in range(200):
            peer.send_parts(os.urandom(50))
        done = run.finish()
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.lines, [str(i) for i in range(20000)])


if __name__ == "__main__":
    unittest.main()
