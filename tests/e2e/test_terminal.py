"""The progress bar appears only on a terminal and disappears with the job."""

import os
import pty
import subprocess
import threading
import unittest

from rig import BIN, Rig, wait_until


class Terminal(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def on_a_terminal(self, *words):
        """What a command writes to standard error on a terminal, and its standard output."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen([BIN / "quern", *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=theirs, cwd=self.folder)
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            shown += piece
        out = process.stdout.read().decode()
        process.stdout.close()
        process.wait()
        return shown.decode(), out

    def test_the_bar_shows_percentage_rate_and_workers(self):
        self.start_worker("w")
        shown, out = self.on_a_terminal("run", "sleep", "--items", self.write("items", "20000\n" * 60))
        self.assertEqual(out, "20000\n" * 60)
        self.assertRegex(shown, r"\[#+ *\] \d+/60  [\d.]+ %")
        self.assertIn("1 worker", shown)
        self.assertTrue(shown.endswith("\r\033[K"), repr(shown[-80:]))

    def test_a_waiting_job_shows_the_reason(self):
        def give_it_a_worker():
            # The broker has the reason; two refreshes of the bar later the terminal shows it.
            wait_until(lambda: self.wait_for_job("same")["reason"], "a reason to wait")
            self.start_worker("late", wait=False)  # its job may end before it is seen waiting

        helper = threading.Timer(1.0, give_it_a_worker)
        helper.start()
        self.addCleanup(helper.join)
        shown, out = self.on_a_terminal("run", "same", "--range", "0:3")
        self.assertEqual(out, "0\n1\n2\n")
        self.assertIn("waiting: no worker", shown)

    def test_without_a_terminal_there_is_no_bar(self):
        self.start_worker("w")
        done = self.ok("run", "sleep", "--items", self.write("items", "20000\n" * 30))
        self.assertEqual(done.err, "")


if __name__ == "__main__":
    unittest.main()
