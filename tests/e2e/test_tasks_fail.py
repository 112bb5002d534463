"""Failing, slow and cancelled tasks: each ends once, and the others continue."""

import pathlib
import time
import unittest

from rig import Rig, wait_until


class TasksFail(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w", slots=2)

    def gate(self, name="gate"):
        return self.folder / name

    def wait_for_file(self, path):
        wait_until(pathlib.Path(path).exists, str(path))

    def test_a_failing_function_is_retried_and_then_fails_with_its_own_text(self):
        done = self.quern("run", "fail", "--input", "stones", "--retries", "1")
        self.assertEqual(done.code, 1, done)
        self.assertIn("cannot grind stones", done.err)
        self.assertEqual(done.out, "")
        self.assertEqual(self.jobs()[-1]["retried"], 1)

    def test_a_result_over_the_limit_fails_only_its_task(self):
        done = self.quern("run", "swell", "--retries", "0", "--items", "-", stdin=b"67108865\n5\n")
        self.assertEqual((done.code, done.out), (1, "xxxxx\n"), done.err)
        self.assertIn("the result has 67108865 bytes; the limit is 67108864", done.err)
        self.assertEqual(self.ok("run", "swell", "--input", "3").out, "xxx\n")
        self.assertEqual(list(self.worker_names()), ["w"])

    def test_a_flaky_function_succeeds_within_its_retries(self):
        done = self.ok("run", "flaky", "--items", "-", stdin=b"a\nb\n")
        self.assertEqual(done.lines, ["a at attempt 3", "b at attempt 3"])

    def test_without_retries_a_flaky_function_fails(self):
        done = self.quern("run", "flaky", "--input", "a", "--retries", "0")
        self.assertEqual(done.code, 1, done)
        self.assertIn("not yet", done.err)

    def test_the_other_tasks_of_the_job_still_finish(self):
        done = self.quern("run", "even", "--range", "0:30", "--retries", "0")
        self.assertEqual(done.code, 1, done)
        self.assertEqual(done.lines, [str(x) for x in range(0, 30, 2)])
        told = [line for line in done.err.splitlines() if " is odd" in line and "task" in line]
        self.assertGreaterEqual(len(told), 10)
        self.assertIn("task 1 failed: 1 is odd", done.err)
        self.assertIn("... and 5 more tasks failed", done.err)

    def test_json_has_one_object_per_task_also_for_failed_ones(self):
        done = self.quern("run", "even", "--range", "0:4", "--retries", "0", "--json")
        self.assertEqual(done.code, 1, done)
        self.assertEqual(done.objects, [
            {"index": 0, "ok": True, "result": 0},
            {"index": 1, "ok": False, "code": "failed", "error": "1 is odd"},
            {"index": 2, "ok": True, "result": 2},
            {"index": 3, "ok": False, "code": "failed", "error": "3 is odd"},
        ])

    def test_results_of_failed_tasks_can_be_listed(self):
        number = self.submit("even", "--range", "0:4", "--retries", "0")
        self.assertEqual(self.quern("wait", number).code, 1)
        done = self.quern("results", number, "--failed", "--json")
        self.assertEqual(done.code, 1, done)
        self.assertEqual([result["index"] for result in done.objects], [1, 3])

    def test_a_reduced_job_with_a_failed_task_is_failed(self):
        done = self.quern("run", "even", "--range", "0:4", "--retries", "0", "--reduce", "sum", "--json")
        self.assertEqual(done.code, 1, done)
        self.assertEqual(done.objects[-1]["state"], "failed")
        self.assertIsNone(done.objects[-1]["result"])

    def test_a_task_that_runs_too_long_is_timed_out_at_once(self):
        start = time.monotonic()
        done = self.quern("run", "gate", "--input", self.gate(), "--timeout", "0.3", "--retries", "0")
        self.assertEqual(done.code, 1, done)
        self.assertLess(time.monotonic() - start, 15)
        self.assertIn("timeout", done.err)
        self.wait_for_file(f"{self.gate()}.cancelled")
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")  # the slot is free again

    def test_cancel_ends_a_running_job_and_its_function_sees_it(self):
        number = self.submit("gate", "--input", self.gate())
        self.wait_for_file(f"{self.gate()}.started")
        self.ok("cancel", number)
        waited = self.quern("wait", number)
        self.assertEqual(waited.code, 1, waited)
        self.assertIn("cancelled", waited.out)
        self.wait_for_file(f"{self.gate()}.cancelled")

    def test_a_waiting_job_can_be_cancelled(self):
        number = self.submit("nobody_has_this", "--input", "x")
        self.ok("cancel", number)
        self.assertEqual(self.job(number)["state"], "cancelled")

    def test_cancelling_one_task_leaves_the_others(self):
        first, second = self.gate("first"), self.gate("second")
        number = self.submit("gate", "--items", self.write("items", f"{first}\n{second}\n"))
        self.wait_for_file(f"{first}.started")
        self.wait_for_file(f"{second}.started")
        self.ok("cancel", f"{number}.0")
        self.wait_for_file(f"{first}.cancelled")
        second.write_text("")
        self.assertEqual(self.quern("wait", number).code, 1)
        job = self.job(number)
        self.assertEqual(job["state"], "cancelled")
        self.assertEqual((job["done"], job["cancelled"]), (1, 1), job)

    def test_common_input_reaches_every_task(self):
        common = self.write("common.bin", b"shared by all")
        done = self.ok("run", "common", "--range", "0:5", "--common", common)
        self.assertEqual(done.lines, ["shared by all"] * 5)


if __name__ == "__main__":
    unittest.main()
