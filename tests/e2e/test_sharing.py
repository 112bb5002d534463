"""Several jobs at once: priorities are strict, and equal priorities share."""

import unittest

from rig import Rig, wait_until


class Sharing(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def finished_order(self, numbers):
        """The jobs in the order in which they ended."""
        order = []

        def all_final():
            for number in numbers:
                if number not in order and self.job(number)["state"] == "done":
                    order.append(number)
            return len(order) == len(numbers)

        wait_until(all_final, "the end of all jobs")
        return order

    def test_the_higher_priority_runs_first(self):
        # All jobs wait because there is no worker yet; then one slot runs them one after the other.
        # Each takes longer than listing them.
        items = self.write("items", "20000\n" * 100)
        low = self.submit("spin", "--items", items, "--priority", "-1")
        usual = self.submit("spin", "--items", items)
        high = self.submit("spin", "--items", items, "--priority", "5")
        self.start_worker("w")
        self.assertEqual(self.finished_order([low, usual, high]), [high, usual, low])

    def test_a_small_job_is_not_stuck_behind_a_large_one(self):
        self.start_worker("w")
        large = self.submit("spin", "--items", self.write("large", "1000\n" * 20000))
        wait_until(lambda: self.job(large)["done"] > 0, "the start of the large job")
        self.ok("run", "spin", "--items", self.write("small", "1000\n" * 10))
        self.assertEqual(self.job(large)["state"], "running")

    def test_many_jobs_at_once_each_get_their_own_results(self):
        self.start_worker("w", slots=4)
        running = [self.quern_start("run", "same", "--range", f"{1000 * i}:{1000 * (i + 1)}") for i in range(8)]
        for i, job in enumerate(running):
            done = job.finish()
            self.assertEqual(done.code, 0, done)
            self.assertEqual(done.lines, [str(x) for x in range(1000 * i, 1000 * (i + 1))])

    def test_a_label_is_required(self):
        self.start_worker("plain")
        number = self.submit("echo", "--input", "x", "--require", "room=north")
        wait_until(lambda: self.job(number)["reason"], "a reason to wait")
        self.assertEqual(self.job(number)["state"], "waiting")
        self.start_worker("north", "--label", "room=north")
        self.ok("wait", number)
        self.assertEqual([share["worker"] for share in self.job(number)["workers"]], ["north"])

    def test_unequal_workers_share_the_work_by_their_measured_rate(self):
        self.start_worker("fast")
        self.start_worker("slow", "--cpu-share", "0.2")
        # Tasks sleep, so the share of a core that each worker gets on a busy machine does not
        # matter.
        number = self.submit("sleep", "--items", self.write("items", "3000\n" * 800))
        self.ok("wait", number)
        shares = {worker["worker"]: worker["share"] for worker in self.job(number)["workers"]}
        self.assertGreater(shares["fast"], shares.get("slow", 0))


if __name__ == "__main__":
    unittest.main()
