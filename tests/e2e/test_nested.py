"""Tasks that submit tasks: recursion on one slot, and what happens to the jobs of a task when it, its worker, its job or
the broker ends."""

import json
import signal
import unittest

import rig
from rig import wait_until


class Nested(rig.Rig):
    def run_nested(self, function, item, *options):
        return self.quern("run", function, "--items", "-", "--nested", *options, stdin=f"{item}\n".encode())

    def submit_nested(self, function, item, *options):
        return self.submit(function, "--items", "-", "--nested", *options, stdin=f"{item}\n".encode())

    def children(self, parent):
        return [job for job in self.jobs() if job.get("parent") == parent]

    def wait_for_state(self, number, state):
        wait_until(lambda: self.job(number)["state"] == state, f"job {number} to be {state}")

    def wait_for_trace(self, name):
        path = self.folder / name
        wait_until(path.exists, f"the trace {name}")
        return path


class OneSlot(Nested):
    def test_recursion_by_tasks_ends_on_one_slot(self):
        self.start_broker()
        self.start_worker("w")
        done = self.run_nested("fib", 10)
        self.assertEqual((done.code, done.out), (0, "55\n"), done)
        self.assertTrue(all(job["state"] == "done" for job in self.jobs()))
        worker = self.workers()[0]
        self.assertEqual((worker["slots"], worker["leases"]), (1, 0), worker)

    def test_recursion_in_processes(self):
        self.start_broker()
        self.start_worker("w", "--isolation", "process")
        done = self.run_nested("fib", 7)
        self.assertEqual((done.code, done.out), (0, "13\n"), done)

    def test_many_parents_share_few_slots(self):
        self.start_broker()
        self.start_worker("w", slots=2)
        items = "".join(f"{n % 8}\n" for n in range(200))
        done = self.quern("run", "fib", "--items", "-", "--nested", stdin=items.encode())
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.out.split(), [str([0, 1, 1, 2, 3, 5, 8, 13][n % 8]) for n in range(200)])

    def test_a_range_and_its_reducer(self):
        self.start_broker()
        for isolation in ("thread", "process"):
            worker = self.start_worker(isolation, "--isolation", isolation)
            done = self.run_nested("sum_below", 1000)
            self.assertEqual((done.code, done.out), (0, "499500\n"), done)
            rig.stop_gently(worker)

    def test_failures_are_told(self):
        self.start_broker()
        for isolation in ("thread", "process"):
            worker = self.start_worker(isolation, "--isolation", isolation)
            done = self.run_nested("post_mortem", "x")
            self.assertEqual(done.out, "failed; 0 cannot grind a; 1 cannot grind b; failed\n", done)
            rig.stop_gently(worker)

    def test_a_job_without_the_option_names_it(self):
        self.start_broker()
        for isolation in ("thread", "process"):
            worker = self.start_worker(isolation, "--isolation", isolation)
            done = self.quern("run", "parent", "--retries", "0", "--items", "-", stdin=b"echo a\n")
            self.assertNotEqual(done.code, 0)
            self.assertIn("--nested", done.err)
            rig.stop_gently(worker)

    def test_a_child_may_submit_only_if_it_says_so(self):
        self.start_broker()
        self.start_worker("w")
        done = self.run_nested("parent", "careless echo a")
        self.assertEqual(done.out, "submitted\n", done)  # `parent` submits with the option
        done = self.run_nested("careless", "careless echo a")
        self.assertEqual(done.out, "submitted\n", done)
        self.assertEqual(len([job for job in self.jobs() if job["function"] == "echo"]), 1)


class Ends(Nested):
    def setUp(self):
        super().setUp()
        self.gate = self.folder / "gate"

    def test_cancelling_the_parent_ends_its_children(self):
        self.start_broker()
        self.start_worker("w")
        parent = self.submit_nested("parent", f"parent gate {self.gate}")
        self.wait_for_trace("gate.started")
        self.assertEqual(self.job(parent)["waiting_tasks"], 1)
        self.assertIn("waits for job", self.ok("explain", parent).out)
        self.assertIn("children", self.ok("job", parent).out)
        self.assertIn("parent", self.ok("jobs").out)
        self.ok("cancel", parent)
        self.wait_for_trace("gate.cancelled")
        wait_until(lambda: all(job["state"] == "cancelled" for job in self.jobs()), "all jobs to be cancelled")
        self.assertEqual(len(self.jobs()), 3)
        # The slot is free again.
        self.assertEqual(self.quern("run", "echo", "--items", "-", stdin=b"a\n").out, "a\n")

    def test_children_that_nobody_waits_for_end_with_the_job(self):
        self.start_broker()
        self.start_worker("w")
        parent = self.submit_nested("careless", f"gate {self.gate}")
        self.wait_for_state(parent, "done")
        wait_until(lambda: [job["state"] for job in self.children(parent)] == ["cancelled"], "the child to be cancelled")

    def test_a_time_limit_includes_waiting(self):
        self.start_broker()
        for isolation in ("thread", "process"):
            worker = self.start_worker(isolation, "--isolation", isolation)
            done = self.run_nested("parent", f"gate {self.gate}", "--timeout", "0.3", "--retries", "0")
            self.assertNotEqual(done.code, 0)
            self.assertIn("ran longer than", done.err)
            wait_until(lambda: not self.ok("jobs", "--state", "running", "--json").objects, "the child to end")
            self.assertEqual(self.quern("run", "echo", "--items", "-", stdin=b"a\n").out, "a\n")
            rig.stop_gently(worker)

    def test_a_killed_worker_takes_the_children_of_its_tasks_with_it(self):
        self.start_broker()
        worker = self.start_worker("first")
        parent = self.submit_nested("parent", f"gate {self.gate}")
        self.wait_for_trace("gate.started")
        worker.send(signal.SIGKILL)
        self.start_worker("second")
        wait_until(lambda: len(self.children(parent)) == 2, "a child of the second attempt")
        self.gate.touch()
        self.wait_for_state(parent, "done")
        self.assertEqual(sorted(job["state"] for job in self.children(parent)), ["cancelled", "done"])
        self.assertEqual(self.ok("results", parent).out, f"{self.gate}\n")

    def test_recursion_survives_a_killed_worker(self):
        self.start_broker()
        worker = self.start_worker("first")
        self.start_worker("second", slots=2)
        job = self.submit_nested("fib", 14)
        wait_until(lambda: len(self.jobs()) > 30, "some recursion")
        worker.send(signal.SIGKILL)
        self.wait_for_state(job, "done")
        self.assertEqual(self.ok("results", job).out, "377\n")
        # Nothing is left running, and what was cancelled was submitted again.
        self.assertTrue(all(each["state"] in ("done", "cancelled") for each in self.jobs()))


class Durable(Nested):
    store = "store"

    def test_a_killed_broker_finds_its_nested_jobs_again(self):
        gate = self.folder / "gate"
        self.start_broker()
        self.start_worker("w", slots=2)
        parent = self.submit_nested("parent", f"parent gate {gate}")
        self.wait_for_trace("gate.started")
        self.restart_broker()
        wait_until(lambda: self.worker_names() == ["w"], "the worker to come back")
        wait_until(lambda: self.job(parent)["waiting_tasks"] == 1, "the parent to wait again")
        self.assertEqual(len(self.jobs()), 3)
        gate.touch()
        self.wait_for_state(parent, "done")
        self.assertEqual(self.ok("results", parent).out, f"{gate}\n")
        self.assertEqual([job["state"] for job in self.jobs()], ["done"] * 3, "nothing ran twice")
        self.assertEqual((self.folder / "gate.started").read_text(), "x")

    def test_recursion_survives_a_killed_broker(self):
        self.start_broker()
        self.start_worker("w", slots=2)
        job = self.submit_nested("fib", 12)
        for _ in range(2):
            before = len(self.jobs())
            wait_until(lambda: len(self.jobs()) > before + 20 or self.job(job)["state"] == "done", "some recursion")
            self.restart_broker()
        self.wait_for_state(job, "done")
        self.assertEqual(self.ok("results", job).out, "144\n")


class Keys(Nested):
    def test_a_worker_with_the_role_work_submits_on_behalf_of_the_owner(self):
        self.start_broker()
        self.start_worker("w")
        roles = {row["name"]: row["roles"] for row in self.ok("keys", "list", "--json").objects}
        self.assertEqual(roles["worker"], "work")
        done = self.run_nested("fib", 6)
        self.assertEqual((done.code, done.out), (0, "8\n"), done)
        self.assertEqual({job["owner"] for job in self.jobs()}, {"client"})

        def nested():
            lines = self.quern("audit", "grep", "--json", "--action", "submit for a task").lines
            return [json.loads(line) for line in lines]
        line = wait_until(nested, "the record")[0]
        self.assertEqual((line["principal"], line["decision"]), ("worker", "allow"), line)
        self.assertIn("on behalf of client", line["reason"])


if __name__ == "__main__":
    unittest.main()
