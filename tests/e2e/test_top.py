"""`quern top` and `quern job ID --watch` on a real terminal (tmux), and what they print without
one.
"""

import json
import os
import shutil
import signal
import unittest

from rig import BIN, Rig, wait_until
from tmux import Tmux


@unittest.skipUnless(shutil.which("tmux"), "tmux is not installed (scripts/setup.sh)")
class OnATerminal(Rig):
    broker_options = ("--lost-after", "1")

    def setUp(self):
        super().setUp()
        self.start_broker()
        self.gate = self.folder / "gate"

    def terminal(self, **size):
        terminal = Tmux(self, **size)
        terminal.type("stty -g > before")
        wait_until(lambda: (self.folder / "before").exists() and (self.folder / "before").read_text(), "the terminal's settings")
        return terminal

    def top(self, terminal, *options):
        terminal.run(BIN / "quern", "top", "--interval", "0.1", *options)
        terminal.wait_for("slots busy")

    def assert_restored(self, terminal, code):
        """The shell has its screen, cursor and settings back, and typed text reaches it."""
        terminal.wait_for("slots busy", gone=True)
        terminal.type("echo left with $?; stty -g > after")
        terminal.wait_for(f"left with {code}")
        after = wait_until(lambda: (self.folder / "after").exists() and (self.folder / "after").read_text(), "the settings after it")
        self.assertEqual(after, (self.folder / "before").read_text())
        self.assertEqual([terminal.flag(name) for name in ("alternate_on", "cursor_flag", "wrap_flag")], ["0", "1", "1"])
        self.assertIn("stty -g > before", terminal.screen())

    def test_workers_jobs_and_errors_are_updated_live(self):
        self.start_worker("north", slots=2)
        terminal = self.terminal()
        self.top(terminal)
        self.assertEqual(terminal.flag("alternate_on"), "1")
        terminal.wait_for("0/2")
        running = self.submit("gate", "--input", self.gate)
        terminal.wait_for("1/2 slots busy")
        failed = self.submit("fail", "--input", "broken", "--retries", "0")
        self.quern("wait", failed)
        terminal.wait_for("1 of 1 tasks failed")
        self.start_worker("south")
        terminal.wait_for("south")
        self.gate.touch()
        self.ok("wait", running)
        terminal.wait_for("0/3 slots busy")
        lines = terminal.lines()
        at = [next(i for i, line in enumerate(lines) if word in line) for word in ("quern tcp://", "busy slots", "progress", "errors")]
        self.assertEqual(at, sorted(at), lines)
        terminal.press("q")
        self.assert_restored(terminal, 0)

    def test_the_view_follows_the_size_of_the_window(self):
        for i in range(12):
            self.start_worker(f"worker-{i:02}.lab.intra", wait=i == 11)
        wait_until(lambda: len(self.worker_names()) == 12, "all workers")
        for i in range(12):
            self.submit("absent", "--input", str(i))
        terminal = self.terminal()
        self.top(terminal)
        terminal.wait_for("worker-04")
        terminal.resize(40, 10)
        screen = terminal.wait_for("... and 10 more")
        self.assertNotIn("rate per slot", screen)
        self.assertIn("tasks/s\n", screen)  # this line ends at the last column of the terminal
        lines = [line for line in terminal.lines() if line]
        self.assertTrue(all(len(line) <= 40 for line in lines), lines)
        self.assertTrue(lines[0].startswith("quern tcp://"), lines)
        terminal.resize(140, 50)
        terminal.wait_for("worker-11")
        terminal.wait_for("more", gone=True)
        terminal.press("C-c")
        self.assert_restored(terminal, 0)

    def test_the_view_survives_a_restart_of_the_broker(self):
        terminal = self.terminal()
        self.top(terminal)
        self.broker.send(signal.SIGKILL)
        self.broker.finish()
        terminal.wait_for("no answer for")
        terminal.resize(90, 20)  # it still follows
        wait_until(lambda: "no answer" in terminal.lines()[1] and len(terminal.lines()) == 20, "the smaller picture")
        self.start_broker(bind=self.endpoint)
        terminal.wait_for("no answer", gone=True)
        self.start_worker("late")
        terminal.wait_for("late")
        self.broker.send(signal.SIGKILL)
        self.broker.finish()
        terminal.wait_for("no answer for")
        terminal.press("q")
        self.assert_restored(terminal, 0)

    def test_a_silent_broker_is_reported(self):
        terminal = self.terminal()
        self.top(terminal)
        self.broker.send(signal.SIGSTOP)
        self.addCleanup(self.broker.send, signal.SIGCONT)
        terminal.wait_for("no answer for")
        self.broker.send(signal.SIGCONT)
        terminal.wait_for("no answer", gone=True)
        self.broker.send(signal.SIGSTOP)
        terminal.wait_for("no answer for")
        terminal.press("q")  # a query is pending, and its answer is not awaited
        self.assert_restored(terminal, 0)

    def test_sigterm_restores_the_terminal(self):
        terminal = self.terminal()
        self.top(terminal)
        os.kill(terminal.pid(), signal.SIGTERM)
        self.assert_restored(terminal, 130)

    def test_the_view_can_be_stopped_and_continued(self):
        terminal = self.terminal()
        self.top(terminal)
        terminal.press("C-z")
        terminal.wait_for("Stopped")
        self.assertEqual([terminal.flag("alternate_on"), terminal.flag("cursor_flag")], ["0", "1"])
        terminal.type("fg")
        terminal.wait_for("slots busy")
        self.assertEqual(terminal.flag("alternate_on"), "1")
        terminal.press("q")
        self.assert_restored(terminal, 0)

    def test_without_a_broker_the_view_does_not_start(self):
        self.broker.send(signal.SIGTERM)
        self.broker.finish()
        terminal = self.terminal()
        terminal.run(BIN / "quern", "top")
        terminal.wait_for("no broker answers")
        terminal.type("echo left with $?")
        terminal.wait_for("left with 3")
        self.assertEqual(terminal.flag("alternate_on"), "0")

    def test_a_watched_job_is_redrawn_in_place(self):
        self.start_worker("w")
        job = self.submit("gate", "--input", self.gate)
        terminal = self.terminal()
        terminal.run(BIN / "quern", "job", job, "--watch", "--interval", "0.1")
        terminal.wait_for("state     running")
        self.gate.touch()
        screen = terminal.wait_for("state     done")
        self.assertEqual(screen.count("state     "), 1, screen)
        self.assertNotIn("running", screen)
        terminal.type("echo left with $?")
        terminal.wait_for("left with 0")


class WithoutATerminal(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.gate = self.folder / "gate"

    def test_without_a_terminal_one_view_is_printed_as_plain_text(self):
        self.start_worker("north", slots=2)
        failed = self.submit("fail", "--input", "broken", "--retries", "0")
        self.quern("wait", failed)
        for words in (("top",), ("top", "--once")):
            text = self.ok(*words).out
            self.assertNotIn("\033", text)
            for part in (self.endpoint, "1 worker", "north", "0/2", f"  {failed}  fail", "1 of 1 tasks failed"):
                self.assertIn(part, text)
        self.assert_one_line(self.quern("top", "--interval", "0"), 2, "--interval")

    def test_json_prints_one_object_per_refresh(self):
        self.start_worker("north")
        job = self.submit("absent", "--input", "x")
        one = self.ok("top", "--once", "--json").objects
        self.assertEqual(len(one), 1)
        top = self.quern_start("top", "--json", "--interval", "0.1")
        first, second = json.loads(top.line()), json.loads(top.line())
        for picture in (*one, first, second):
            self.assertEqual(picture["broker"]["workers"], 1)
            self.assertEqual([worker["worker"] for worker in picture["workers"]], ["north"])
            self.assertEqual([each["job"] for each in picture["jobs"]], [job])
        self.assertIsNone(first["workers"][0]["tasks_per_s"])
        self.assertEqual(second["workers"][0]["tasks_per_s"], 0)
        top.send(signal.SIGINT)
        self.assertEqual(top.finish().code, 130)

    def test_the_view_ends_when_its_reader_goes_away(self):
        top = self.quern_start("top", "--json", "--interval", "0.1")
        top.line()
        top.process.stdout.close()
        self.assertEqual(top.process.wait(timeout=30), -signal.SIGPIPE)

    def test_a_watched_job_prints_a_line_per_change(self):
        self.start_worker("w")
        job = self.submit("gate", "--input", self.gate)
        wait_until(lambda: self.job(job)["state"] == "running", "the job's start")
        watch = self.quern_start("job", job, "--watch", "--interval", "0.1")
        objects = self.quern_start("job", job, "--watch", "--interval", "0.1", "--json")
        self.assertIn("running", watch.line())
        self.gate.touch()
        done, told = watch.finish(), objects.finish()
        self.assertEqual((done.code, told.code), (0, 0), done)
        self.assertIn(f"job {job} done: 1 of 1 done", done.lines[-1])
        self.assertEqual([told.objects[-1]["state"], told.objects[-1]["done"]], ["done", 1])
        self.assertLess(len(told.objects), 6)  # no object without a change

    def test_watching_a_failed_job_exits_1(self):
        self.start_worker("w")
        job = self.submit("fail", "--input", "broken", "--retries", "0")
        self.assertEqual(self.quern("job", job, "--watch").code, 1)
        self.assertEqual(self.quern("job", 999, "--watch").code, 1)
        self.assert_one_line(self.quern("job", job, "--watch", "--timeline", "x.svg"), 2, "exclude")
        self.assert_one_line(self.quern("job", job, "--interval", "1"), 2, "--watch")


if __name__ == "__main__":
    unittest.main()
