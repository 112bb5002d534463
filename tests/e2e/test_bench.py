"""`quern bench` checks what it measures and says it in one object."""

import unittest

from rig import Rig


class Bench(Rig):
    def test_throughput_in_every_mode(self):
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

    def test_results_of_another_size(self):
        for size in ("1", "100"):
            done = self.ok("bench", "throughput", "--tasks", "5000", "--repeat", "1", "--payload", "100", "--result", size, "--json")
            self.assertEqual(done.objects[0]["result"], int(size))

    def test_latency(self):
        done = self.ok("bench", "latency", "--count", "50", "--repeat", "2", "--json")
        (report,) = done.objects
        for key in ("p50_us", "p99_us", "baseline_p50_us", "baseline_p99_us", "ratio"):
            self.assertGreater(report[key], 0, key)

    def test_against_a_broker_that_is_there(self):
        self.start_broker()
        self.start_worker("w")
        done = self.ok("bench", "throughput", "--tasks", "2000", "--repeat", "1", "--json")
        self.assertIsNone(done.objects[0]["broker_peak_rss_bytes"])
        self.assertEqual(len(self.jobs()), 1)

    def test_people_get_one_sentence(self):
        done = self.ok("bench", "throughput", "--tasks", "2000", "--repeat", "1")
        self.assertEqual(len(done.lines), 1)
        self.assertIn("tasks/s", done.out)


if __name__ == "__main__":
    unittest.main()
