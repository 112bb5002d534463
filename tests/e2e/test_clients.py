"""Clients that go away, are interrupted, or come back for a job."""

import pathlib
import signal
import subprocess
import unittest

from rig import BIN, Rig, wait_until


class Clients(Rig):
    broker_options = ("--grace", "0.5", "--lost-after", "0.6")  # 3 s of silence for a client

    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w", slots=2)
        self.gate = self.folder / "gate"

    def started(self):
        wait_until(pathlib.Path(f"{self.gate}.started").exists, "the start of the task")

    def test_an_attached_job_of_a_killed_client_is_cancelled(self):
        client = self.quern_start("run", "gate", "--input", self.gate)
        self.started()
        number = self.wait_for_job("gate")["job"]
        client.send(signal.SIGKILL)
        wait_until(lambda: self.job(number)["state"] == "cancelled", "the end of the job", 60)
        wait_until(pathlib.Path(f"{self.gate}.cancelled").exists, "the cancellation seen by the function")

    def test_a_detached_run_ends_also_if_its_input_ends_later_than_the_last_item(self):
        run = self.quern_start("run", "absent", "--items", "-", "--detach", stdin=subprocess.PIPE)
        run.process.stdin.write(b"a\n")
        run.process.stdin.flush()
        job = int(run.line())
        wait_until(lambda: self.job(job)["total"] == 1, "the item")
        done = run.finish()  # closes its input
        self.assertEqual(done.code, 0, done)
        self.assertFalse(self.job(job)["open"])

    def test_a_detached_job_continues_without_its_client(self):
        number = self.submit("gate", "--input", self.gate)
        self.started()
        # An attached job whose client dies now is cancelled after the same grace period. When that
        # has passed, the detached one would be cancelled too.
        other = self.quern_start("run", "gate", "--input", f"{self.gate}2")
        attached = wait_until(lambda: [job for job in self.jobs() if not job["detached"]], "the attached job")[0]["job"]
        other.send(signal.SIGKILL)
        wait_until(lambda: self.job(attached)["state"] == "cancelled", "the end of the attached job", 60)
        self.assertEqual(self.job(number)["state"], "running")
        self.gate.write_text("")
        self.ok("wait", number)
        self.assertEqual(self.ok("results", number).out, f"{self.gate}\n")

    def test_ctrl_c_cancels_the_job_and_exits_130(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                gate = f"{self.gate}{number}"
                client = self.quern_start("run", "gate", "--input", gate)
                wait_until(pathlib.Path(f"{gate}.started").exists, "the start of the task")
                job = self.wait_for_job("gate")["job"]
                client.send(number)
                done = client.finish()
                self.assertEqual(done.code, 130, done)
                wait_until(lambda: self.job(job)["state"] == "cancelled", "the end of the job")

    def test_ctrl_c_ends_a_run_while_standard_input_is_open(self):
        client = self.quern_start("run", "echo", "--items", "-", stdin=subprocess.PIPE)
        client.process.stdin.write(b"one\n")
        client.process.stdin.flush()
        self.assertEqual(client.line(), "one")
        client.send(signal.SIGINT)
        client.process.wait(timeout=30)
        self.assertEqual(client.process.returncode, 130, client.err)

    def test_results_arrive_while_standard_input_is_open(self):
        client = self.quern_start("run", "echo", "--items", "-", stdin=subprocess.PIPE)
        for word in ("one", "two", "three"):
            client.process.stdin.write(word.encode() + b"\n")
            client.process.stdin.flush()
            self.assertEqual(client.line(), word)
        client.process.stdin.close()
        client.process.stdin = None
        self.assertEqual(client.finish().code, 0, client.err)

    def test_a_run_ends_quietly_when_its_reader_goes_away(self):
        script = f"{BIN}/quern run same --range 0:100000 | head -n 1"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", script], env=self.env, capture_output=True, timeout=60)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertEqual(done.stderr, b"")
        job = self.wait_for_job("same")["job"]
        wait_until(lambda: self.job(job)["state"] in ("cancelled", "done"), "the end of the job")

    def test_another_process_can_read_results_repeatedly(self):
        number = self.submit("echo", "--items", "-", stdin=b"a\nb\nc\n")
        self.ok("wait", number)
        for _ in range(2):
            self.assertEqual(self.ok("results", number).lines, ["a", "b", "c"])

    def test_follow_prints_results_as_they_arrive_until_the_end(self):
        number = self.submit("gate", "--input", self.gate)
        self.started()
        early = self.quern("results", number)
        self.assertEqual(early.code, 1, early)
        self.assertIn("--follow", early.err)
        follower = self.quern_start("results", number, "--follow")
        self.gate.write_text("")
        done = follower.finish()
        self.assertEqual((done.code, done.out), (0, f"{self.gate}\n"))

    def test_the_same_idempotency_key_attaches_to_the_existing_job(self):
        first = self.submit("gate", "--input", self.gate, "--unique", "nightly")
        second = self.submit("gate", "--input", self.gate, "--unique", "nightly")
        self.assertEqual(first, second)


if __name__ == "__main__":
    unittest.main()
