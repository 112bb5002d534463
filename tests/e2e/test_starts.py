"""How often a task is started: real workers and commands, and files that reveal a second start."""

import os
import signal
import subprocess
import time
import unittest

from rig import Rig, wait_until


class Starts(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def test_a_slow_command_is_not_started_twice(self):
        # The command moves its input away, so a second start would fail and end the first.
        for name in "AB":
            self.start_worker(name, "--allow-exec")
        for i in range(1, 62):
            self.write(f"in.{i}", "")
        script = "mv in.{} busy.{} && sleep $([ {} = 61 ] && echo 3 || echo 0.02) && mv busy.{} done.{}"
        self.ok("map", "--retries", "0", script, ":::", *range(1, 62))
        self.assertEqual(len(list(self.folder.glob("done.*"))), 61)

    def test_at_most_once_holds_when_a_worker_is_lost(self):
        self.start_worker("stays", "--allow-exec", slots=2)
        goes = self.start_worker("goes", "--allow-exec", slots=2)
        client = self.quern_start("map", "--at-most-once", "echo x >> started.{}; sleep 3", ":::", *range(8))
        wait_until(lambda: len(list(self.folder.glob("started.*"))) >= 4, "four commands run")
        os.kill(goes.pid, signal.SIGKILL)
        done = client.finish()
        self.assertNotEqual(done.code, 0, done)
        self.assertIn("its worker was lost", done.err)
        started = sorted(self.folder.glob("started.*"))
        self.assertEqual([file.read_text() for file in started], ["x\n"] * 8)

    def test_idempotent_and_at_most_once_exclude_each_other(self):
        self.assertEqual(self.quern("map", "--at-most-once", "--retries", "2", "true", ":::", "1").code, 2)
        self.assertEqual(self.quern("map", "--at-most-once", "--idempotent", "true", ":::", "1").code, 2)


class Permanent(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w", "--allow-exec")

    def runs(self, name):
        return len((self.folder / name).read_text().splitlines())

    def test_a_permanent_exit_code_is_not_retried(self):
        script = "echo x >> ran.{}; echo wrong {}; exit {}"
        done = self.quern("map", "-k", "--retries", "5", "--permanent-exit", "65,78", "--json", script, ":::", 65, 78, 3)
        self.assertEqual(done.code, 1, done)
        self.assertEqual([self.runs(f"ran.{code}") for code in (65, 78, 3)], [1, 1, 6])
        self.assertEqual([(one["code"], one["stdout"]) for one in done.objects], [(code, f"wrong {code}\n") for code in (65, 78, 3)])

    def test_a_task_with_a_permanent_exit_code_fails_as_permanent(self):
        job = self.ok("map", "--detach", "--retries", "5", "--permanent-exit", "65", "exit {}", ":::", 65, 0).out.strip()
        self.assertEqual(self.quern("wait", job).code, 1)
        self.assertIn("task 0 permanent: exit code 65", self.quern("results", job, "--failed").err)

    def test_a_single_command_keeps_its_exit_code(self):
        words = ("run", "exec", "--retries", "5", "--permanent-exit", "65", "echo x >> ran; exit 65")
        self.assertEqual(self.quern(*words).code, 65)
        self.assertEqual(self.runs("ran"), 1)

    def test_permanent_exit_codes_apply_to_blocks(self):
        done = self.quern("map", "--pipe", "--retries", "5", "--permanent-exit", "65", "cat >> ran; exit 65", stdin=b"block\n")
        self.assertEqual(done.code, 1, done)
        self.assertEqual(self.runs("ran"), 1)

    def test_a_signal_is_not_an_exit_code(self):
        done = self.quern("map", "--retries", "1", "--permanent-exit", "9,137", "echo x >> ran; kill -9 $$ #", ":::", "a")
        self.assertEqual(done.code, 1, done)
        self.assertEqual(self.runs("ran"), 2)

    def test_invalid_exit_codes_are_refused(self):
        for codes in ("0", "256", "-1", "65,", ",65", "65;78", "x", ""):
            self.assert_one_line(self.quern("map", "--permanent-exit", codes, "true", ":::", "a"), 2, "--permanent-exit takes exit codes")
        self.assert_one_line(self.quern("map", "--loop", "--permanent-exit", "65", "cat", ":::", "a"), 2, "cannot be combined with --loop")


class Kept(Rig):
    def test_a_job_after_its_time_to_live_is_expired_not_unknown(self):
        self.start_broker()
        self.start_worker("w")
        number = self.submit("echo", "--input", "a", "--ttl", "1")
        # Not `quern wait`: on a busy machine, the job may have expired before that is connected.
        gone = wait_until(lambda: (lambda done: done if done.code else None)(self.quern("job", number)), "its end")
        self.assertIn("time", gone.err)
        self.assertIn("unknown", self.quern("job", 99).err)

    def test_an_idempotency_key_with_different_input_is_a_conflict(self):
        self.start_broker()
        self.start_worker("w")
        self.assertEqual(self.ok("run", "echo", "--input", "a", "--unique", "k").out, "a\n")
        self.assertEqual(self.ok("run", "echo", "--input", "a", "--unique", "k").out, "a\n")
        other = self.quern("run", "echo", "--input", "b", "--unique", "k")
        self.assertNotEqual(other.code, 0, other)
        self.assertIn("idempotency key", other.err)
        self.assertEqual(self.ok("run", "echo", "--input", "b", "--unique", "k", "--unique-any").out, "a\n")


def end_input(client, rest):
    """Writes the rest of the standard input of a client and closes it."""
    with client.process.stdin as stdin:
        stdin.write(rest)
    client.process.stdin = None


class SameKey(Rig):
    """Streamed input is compared with that of the job with the same idempotency key."""

    store = "store"

    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w", "--allow-exec")

    def assert_conflict(self, done):
        self.assertNotEqual(done.code, 0, done)
        self.assertEqual(done.out, "")
        self.assertIn("idempotency key", done.err)

    def assert_compares(self, command, *rest):
        words = (command, "--unique", command, *rest)
        lines = "".join(f"{n}\n" for n in range(300))
        for _ in range(2):
            self.assertEqual(self.ok(*words, stdin=lines.encode()).out, lines)
        for other in (lines + "more\n", lines[:-4], lines.replace("200", "201"), ""):
            self.assert_conflict(self.quern(*words, stdin=other.encode()))
        self.assertEqual(self.ok(command, "--unique-any", *words[1:], stdin=b"x\n").out, lines)
        self.assertEqual(len(self.jobs()), 1)

    def test_items_are_compared(self):
        self.assert_compares("run", "echo", "--items", "-")

    def test_commands_are_compared_even_when_few_run_at_a_time(self):
        self.assert_compares("map", "-k", "-j1", "--", "echo {}")

    def test_a_detached_stream_is_compared(self):
        words = ("run", "echo", "--items", "-", "--unique", "k", "--detach")
        first = self.ok(*words, stdin=b"a\nb\n").out
        self.assertEqual(self.ok(*words, stdin=b"a\nb\n").out, first)
        self.assert_conflict(self.quern(*words, stdin=b"a\nc\n"))

    def test_a_stream_is_compared_with_an_open_one_when_that_ends(self):
        words = ("run", "echo", "--items", "-", "--unique", "k")
        first = self.quern_start(*words, stdin=subprocess.PIPE)
        first.process.stdin.write(b"a\n")
        first.process.stdin.flush()
        wait_until(lambda: any(job["done"] > 0 for job in self.jobs()), "the first has begun")
        same, other = (self.quern_start(*words, stdin=subprocess.PIPE) for _ in range(2))
        end_input(same, b"a\nb\n")
        end_input(other, b"a\nc\n")
        end_input(first, b"b\n")
        for client in (first, same):
            done = client.finish()
            self.assertEqual((done.code, done.out), (0, "a\nb\n"), done)
        self.assert_conflict(other.finish())

    def test_the_digest_of_a_stream_survives_the_broker(self):
        words = ("run", "echo", "--items", "-", "--unique", "k")
        self.ok(*words, stdin=b"a\nb\n")
        self.restart_broker()
        self.assertEqual(self.ok(*words, stdin=b"a\nb\n").out, "a\nb\n")
        self.assert_conflict(self.quern(*words, stdin=b"a\nc\n"))


class Frozen(Rig):
    def test_a_paused_broker_loses_nothing_and_reruns_nothing(self):
        self.start_broker()
        self.start_worker("w")
        self.write("items", "5000\n" * 1500)
        client = self.quern_start("run", "sleep", "--items", "items", "--reduce", "sum")
        wait_until(lambda: any(job["done"] > 0 for job in self.jobs()), "some of it is done")
        self.broker.send(signal.SIGSTOP)
        time.sleep(6)  # longer than the silence that loses a worker
        self.broker.send(signal.SIGCONT)
        self.assertEqual(client.finish().code, 0)
        self.assertNotIn("is lost", self.broker.err)
        self.assertEqual(self.jobs()[0]["retried"], 0)


if __name__ == "__main__":
    unittest.main()
