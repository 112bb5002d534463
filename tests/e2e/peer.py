"""A bare peer that sends whatever a test wants, with the minimum of the protocol."""

import os
import pathlib

import msgpack
import zmq

HELLO, WELCOME, REFUSED, HELLO_AGAIN, ERROR, QUERY, ANSWER = 1, 2, 3, 4, 5, 21, 35
PATIENCE_MS = 20_000


class Peer:
    def __init__(self, endpoint, keys, side="client"):
        """`keys` is a folder."""
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
        self.socket.setsockopt(zmq.SNDTIMEO, PATIENCE_MS)
        key = lambda name: (pathlib.Path(keys) / name).read_bytes().strip()
        self.socket.curve_serverkey, self.socket.curve_publickey = key("broker.pub"), key(side + ".pub")
        self.socket.curve_secretkey = key(side + ".secret")
        self.socket.connect(endpoint)

    def close(self):
        self.socket.close()
        self.context.term()

    def send_parts(self, *parts):
        self.socket.send_multipart(parts)

    def send(self, number, session, fields, *parts):
        self.send_parts(msgpack.packb([number, session, fields]), *parts)

    def receive(self):
        """Type, session and fields of the next message; piggybacked acknowledgements are ignored.
        """
        return msgpack.unpackb(self.socket.recv_multipart()[0], strict_map_key=False)[:3]

    def receive_a(self, number):
        """The next message of that type; others are skipped."""
        while True:
            kind, session, fields = self.receive()
            if kind == number:
                return session, fields

    def hello(self, **fields):
        self.send(HELLO, 0, {"identity": os.urandom(16), "name": "peer", **fields})

    def broker_status(self):
        """Opens a session and queries the counters of the broker."""
        self.hello()
        session, _ = self.receive_a(WELCOME)
        self.send(QUERY, session, {"token": 7, "what": "broker"})
        _, answer = self.receive_a(ANSWER)
        return answer["broker"]
