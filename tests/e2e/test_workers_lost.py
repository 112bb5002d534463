"""A worker that dies or freezes during a lease costs time, but never a result."""

import signal
import unittest

from rig import Rig, stop_gently, wait_until


class WorkersLost(Rig):
    def run_while(self, disturb):
        """Runs 400 tasks over two workers, disturbs one of them during a lease, and checks every
        result.
        """
        self.start_broker()
        victim = self.start_worker("victim", slots=2)
        self.start_worker("other", slots=2)
        items = "".join("20000\n" for _ in range(400))  # microseconds of sleep
        job = self.quern_start("run", "sleep", "--items", self.write("items", items), "--json")

        def in_mid_lease():
            return any(worker["worker"] == "victim" and worker["leases"] > 0 for worker in self.workers())

        wait_until(in_mid_lease, "a lease of the victim")
        disturb(victim)
        done = job.finish()
        self.assertEqual(done.code, 0, done)
        self.assertEqual([result["index"] for result in done.objects], list(range(400)))
        self.assertTrue(all(result["ok"] for result in done.objects))
        return victim

    def test_a_worker_killed_during_a_lease_loses_no_result(self):
        self.run_while(lambda victim: victim.send(signal.SIGKILL))

    def test_a_stopped_worker_is_replaced_and_may_come_back(self):
        victim = self.run_while(lambda victim: victim.send(signal.SIGSTOP))
        victim.send(signal.SIGCONT)
        wait_until(lambda: "victim" in self.worker_names(), "the return of the victim")
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")

    def test_sigterm_drains_a_worker(self):
        def drain(victim):
            self.assertEqual(stop_gently(victim).code, 0, victim.err)

        self.run_while(drain)
        self.assertEqual(self.job(self.jobs()[-1]["job"])["retried"], 0)

    def test_an_operator_can_drain_a_worker(self):
        def drain(victim):
            self.ok("drain", "victim")
            self.assertEqual(victim.finish().code, 0, victim.err)

        self.run_while(drain)

    def test_draining_an_unknown_worker_is_an_error(self):
        self.start_broker()
        self.assert_one_line(self.quern("drain", "stranger"), 1, "stranger")

    def test_the_result_of_a_reduced_job_survives_a_killed_worker(self):
        self.start_broker()
        victim = self.start_worker("victim")
        self.start_worker("other")
        number = self.submit("primes", "--range", "1:20000000")
        wait_until(lambda: any(w["worker"] == "victim" and w["tasks_done"] > 0 for w in self.workers()), "work of the victim")
        victim.send(signal.SIGKILL)
        self.ok("wait", number)
        self.assertEqual(self.ok("results", number).out, "1270607\n")
        self.assertEqual(self.job(number)["done"], 19999999)


class Arrivals(Rig):
    def test_a_worker_started_before_the_broker_waits_for_it(self):
        # The port comes from a first broker that has ended.
        self.start_broker()
        stop_gently(self.broker)
        worker = self.start_worker("early", wait=False)
        self.start_broker(bind=self.endpoint)
        wait_until(lambda: "early" in self.worker_names(), "the arrival of the worker")
        self.assertTrue(worker.runs())
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")

    def test_a_worker_survives_its_broker(self):
        self.start_broker()
        worker = self.start_worker("faithful")
        self.broker.kill()
        self.start_broker(bind=self.endpoint)
        wait_until(lambda: "faithful" in self.worker_names(), "the return of the worker")
        self.assertTrue(worker.runs())
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")

    def test_a_job_waits_for_its_first_worker(self):
        self.start_broker()
        number = self.submit("sum", "--range", "1:101")
        self.start_worker("late")
        self.ok("wait", number)
        self.assertEqual(self.ok("results", number).out, "5050\n")

    def test_sigterm_ends_an_idle_worker_and_the_broker_in_order(self):
        self.start_broker()
        worker = self.start_worker("idle")
        self.assertEqual(stop_gently(worker).code, 0)
        self.assertEqual(stop_gently(self.broker).code, 0)


if __name__ == "__main__":
    unittest.main()
