"""`quern bench` checks what it measures and prints one object."""

import signal
import unittest

from rig import Rig, SLOWNESS, wait_until


class Bench(Rig):
    def test_throughput_is_measured_in_every_mode(self):
        for mode in ("map", "single", "range"):
            with self.subTest(mode=mode):
                done = self.ok("bench", "throughput", "--tasks", "20000", "--repeat", "2", "--mode", mode, "--json")
                (report,) = done.objects
                self.assertEqual((report["tasks"], report["mode"], report["repeats"]), (20000, mode, 2))
                for key in ("tasks_per_s", "baseline_tasks_per_s", "ratio", "broker_peak_rss_bytes"):
                    self.assertGreater(report[key], 0, key)
                self.assertEqual(set(report["cpu_us_per_task"]), {"client", "broker", "worker"})
                self.assertLessEqual(report["spread"]["min"], report["tasks_per_s"])
                self.assertTrue(report["summary"])

    def test_the_size_of_results_can_be_chosen(self):
        for size in ("1", "100"):
            done = self.ok("bench", "throughput", "--tasks", "5000", "--repeat", "1", "--payload", "100", "--result", size, "--json")
            self.assertEqual(done.objects[0]["result"], int(size))

    def test_latency_is_measured(self):
        done = self.ok("bench", "latency", "--count", "50", "--repeat", "2", "--json")
        (report,) = done.objects
        for key in ("p50_us", "p99_us", "baseline_p50_us", "baseline_p99_us", "ratio"):
            self.assertGreater(report[key], 0, key)

    def test_a_running_broker_can_be_measured(self):
        self.start_broker()
        self.start_worker("w")
        done = self.ok("bench", "throughput", "--tasks", "2000", "--repeat", "1", "--json")
        self.assertIsNone(done.objects[0]["broker_peak_rss_bytes"])
        self.assertTrue(self.jobs())

    def test_the_bench_does_not_wait_for_a_lost_worker(self):
        self.start_broker("--lost-after", "0.2")
        worker = self.start_worker("w")
        worker.send(signal.SIGKILL)
        wait_until(lambda: [w["state"] for w in self.workers()] == ["lost"], "the worker is lost")
        self.assert_one_line(self.quern("bench", "latency", "--count", "10", "--repeat", "1"), 1, "no worker", "15 s")

    def test_a_bench_without_workers_says_so_and_starts_when_one_connects(self):
        self.start_broker("--lost-after", "0.2")
        worker = self.start_worker("w")
        # Long enough to be still at work when its worker is killed, also where a task takes longer.
        count = str(int(20_000 / SLOWNESS))
        bench = self.quern_start("bench", "latency", "--count", count, "--repeat", "1")
        wait_until(self.jobs, "it runs")
        worker.send(signal.SIGKILL)
        wait_until(lambda: "waiting for a worker" in bench.err, "it says why it waits")
        self.start_worker("w2")
        self.assertEqual(bench.finish().code, 0)

    def test_the_output_for_people_is_a_table_and_a_sentence(self):
        done = self.ok("bench", "throughput", "--tasks", "2000", "--repeat", "1")
        self.assertIn("tasks per second", done.lines[1])
        self.assertIn("Here a task costs", done.lines[-1])
        self.assertIn("bare libzmq", self.ok("bench", "latency", "--count", "20", "--repeat", "1").out)

    def test_the_cost_of_a_queued_task_is_measured(self):
        (report,) = self.ok("bench", "throughput", "--tasks", "2000", "--repeat", "1", "--json").objects
        self.assertGreater(report["bytes_per_queued_task"], 0)
        self.assertGreater(report["queued_tasks_per_s"], 0)
        for key in ("p50_us", "p99_us", "baseline_p50_us"):
            self.assertGreater(report[key], 0, key)


if __name__ == "__main__":
    unittest.main()
