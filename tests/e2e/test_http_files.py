"""Files over HTTP: what was uploaded comes back whole, to those who may have it, or breaks off."""

import hashlib
import http.client
import random
import signal
import unittest

from rig import SANITIZED, resident_bytes, wait_until
from web import WebRig

SIZE = (20 << 20) + 17


class HttpFiles(WebRig):
    store = "store"

    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_gateway()
        self.me = self.token("me", "--role", "submit,read")
        self.content = random.Random(1).randbytes(SIZE)
        self.path = self.upload(self.content)

    def upload(self, content):
        path = f"/v1/blobs/{hashlib.blake2b(content, digest_size=32).hexdigest()}"
        self.asked(204, "PUT", path, content, token=self.me)
        return path

    def begin(self):
        """A download whose client reads nothing yet."""
        connection = http.client.HTTPConnection(self.address, timeout=120)
        self.addCleanup(connection.close)
        connection.request("GET", self.path, headers={"Authorization": f"Bearer {self.me}"})
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        return response

    def test_a_large_file_comes_back_as_it_was(self):
        answer = self.asked(200, "GET", self.path, token=self.me)
        self.assertEqual(answer.body, self.content)
        tag = answer.headers["ETag"]
        self.assertEqual(tag, f'"{self.path.split("/")[-1]}"')
        self.assertEqual(answer.headers["Content-Disposition"], "attachment")
        self.assertEqual(self.asked(304, "GET", self.path, token=self.me, If_None_Match=tag).body, b"")

    def test_files_of_every_size_come_back(self):
        for size in (0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20):
            content = self.content[:size]
            self.assertEqual(self.asked(200, "GET", self.upload(content), token=self.me).body, content, size)

    def test_a_file_that_is_only_in_the_store_comes_back(self):
        self.restart_broker()
        wait_until(lambda: self.ask("GET", "/readyz").status == 200, "the gateway's broker")
        self.assertEqual(self.asked(200, "GET", self.path, token=self.me).body, self.content)

    def test_only_the_owner_and_an_admin_get_a_file(self):
        self.asked(404, "GET", self.path, token=self.token("other", "--role", "submit,read"))
        self.asked(401, "GET", self.path, token=self.token("hand", "--role", "work"))  # it may not connect as a client
        self.asked(401, "GET", self.path)
        self.assertEqual(self.asked(200, "GET", self.path, token=self.token("chief", "--role", "admin")).body, self.content)
        self.asked(404, "GET", "/v1/blobs/" + "0" * 64, token=self.me)
        self.asked(404, "GET", "/v1/blobs/x", token=self.me)

    def test_a_broker_that_dies_in_the_middle_ends_the_answer_with_an_error(self):
        response = self.begin()
        got = response.read(1 << 20)
        self.broker.send(signal.SIGKILL)
        with self.assertRaises((http.client.IncompleteRead, ConnectionResetError, http.client.HTTPException)) as broken:
            while part := response.read(1 << 20):
                got += part
        got += getattr(broken.exception, "partial", b"")
        self.assertLess(len(got), SIZE)
        self.assertTrue(self.content.startswith(got), "what came before is right")

    def test_slow_clients_cost_little_memory(self):
        self.asked(200, "GET", self.path, token=self.me)
        before = resident_bytes(self.gateway.pid)
        waiting = [self.begin() for _ in range(8)]
        other = self.asked(200, "GET", self.path, token=self.me)  # they hold nobody back
        self.assertEqual(other.body, self.content)
        if not SANITIZED:  # a sanitizer's memory is no measure
            self.assertLess(resident_bytes(self.gateway.pid) - before, 60 << 20)
        for response in waiting:
            self.assertEqual(hashlib.blake2b(response.read()).digest(), hashlib.blake2b(self.content).digest())

    def test_the_command_line_gets_it_too(self):
        name = self.path.split("/")[-1]
        content = self.content[5:3 << 20]
        path = self.write("own.bin", content)
        self.start_worker("w", "--allow-exec")
        self.ok("run", "exec", "--put", path, "--", "true")
        own = hashlib.blake2b(content, digest_size=32).hexdigest()
        self.assertEqual(self.ok("fetch", own).raw, content)
        out = self.folder / "out.bin"
        self.ok("fetch", name, "-o", out)  # the operator's key is an admin's
        self.assertEqual(out.read_bytes(), self.content)
        none = self.folder / "none.bin"
        self.assert_one_line(self.quern("fetch", "0" * 64, "-o", none), 1, "does not have the file")
        self.assertFalse(none.exists())
        self.assert_one_line(self.quern("fetch", "x"), 2, "64")


class Uploads(WebRig):
    def test_a_broker_that_is_stopped_ends_an_upload_in_time(self):
        self.start_broker()
        self.start_gateway("--upload-wait", "1")
        me = self.token("uploader", "--role", "submit")
        content = b"x" * (20 << 20)
        path = f"/v1/blobs/{hashlib.blake2b(content, digest_size=32).hexdigest()}"
        self.asked(404, "GET", path, token=me)  # it has a session
        self.broker.send(signal.SIGSTOP)
        try:
            answer = self.ask("PUT", path, content, me)
        finally:
            self.broker.send(signal.SIGCONT)
        self.assertEqual(answer.status, 503, answer)

    def test_a_file_without_room_at_the_broker_is_refused_in_time(self):
        self.start_broker("--memory-limit", "64M")
        self.start_gateway("--upload-wait", "1")
        me = self.token("uploader", "--role", "submit")
        statuses = set()
        for n in range(10):  # each stays for a while, in case a job for it is on its way
            content = bytes([n]) * (4 << 20)
            path = f"/v1/blobs/{hashlib.blake2b(content, digest_size=32).hexdigest()}"
            answer = self.ask("PUT", path, content, me)
            statuses.add(answer.status)
            self.assertIn(answer.status, (204, 503, 507), answer)
            if answer.status == 503:
                self.assertIn("took nothing", answer.json["detail"])
                self.assertEqual(answer.headers["Retry-After"], "60")
        self.assertIn(204, statuses)
        self.assertGreater(len(statuses), 1, "each file found room")
        self.assertEqual(self.ask("GET", "/v1/broker", token=self.token("looker", "--role", "read")).status, 200)


if __name__ == "__main__":
    unittest.main()
