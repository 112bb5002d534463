"""Everything works over IPv6, with a broker that is bound only to ::1."""

import socket
import unittest

from rig import Rig


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@unittest.skipUnless(has_ipv6(), "this machine has no IPv6 on its loopback")
class Ipv6(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker(bind="tcp://[::1]:0")
        self.start_worker("w", "--allow-exec")

    def test_at_most_once_and_idempotent_commands_run(self):
        self.assertEqual(self.ok("map", "--at-most-once", "-k", "echo", ":::", "a", "b").out, "a\nb\n")
        self.assertEqual(self.ok("map", "--idempotent", "-k", "echo", ":::", "a", "b").out, "a\nb\n")
        done = self.quern("map", "--retries", "3", "--permanent-exit", "65", "echo x >>ran; exit 65 #", ":::", "a")
        self.assertEqual(done.code, 1, done)
        self.assertEqual((self.folder / "ran").read_text(), "x\n")

    def test_an_idempotency_key_finds_its_job(self):
        first = self.ok("run", "echo", "--input", "a", "--detach", "--unique", "k").out
        self.assertEqual(self.ok("run", "echo", "--input", "a", "--detach", "--unique", "k").out, first)
        self.assertIn("idempotency key", self.quern("run", "echo", "--input", "b", "--detach", "--unique", "k").err)

    def test_files_are_sent_and_returned(self):
        (self.folder / "large").write_bytes(b"x" * (3 << 20))
        self.ok("map", "--put", "large", "--get", "{}.out", "wc -c < large > {}.out", ":::", "a")
        self.assertEqual((self.folder / "a.out").read_text().strip(), str(3 << 20))


if __name__ == "__main__":
    unittest.main()
