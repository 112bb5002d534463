"""One big job is split over unequal workers and has one result."""

import collections
import math
import pathlib
import re
import unittest

from rig import Rig


class TheMainJob(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        for name, share in (("whole", "1"), ("half", "0.5"), ("quarter", "0.25")):
            self.start_worker(name, "--cpu-share", share)

    def test_wordcount_equals_a_local_count(self):
        files = sorted(path for path in pathlib.Path("/usr/share/common-licenses").iterdir() if path.is_file())
        expected = collections.Counter()
        for file in files:
            text = re.sub(rb"[^A-Za-z]+", b" ", file.read_bytes()).lower()
            expected.update(word.decode() for word in text.split())
        self.assertGreater(len(expected), 1000)
        done = self.ok("run", "wordcount", "--blocks", *files, "--reduce", "merge_counts", "--json")
        self.assertEqual(done.objects[0]["state"], "done")
        self.assertEqual(done.objects[0]["result"], dict(expected))

    def test_the_sum_of_a_range_is_exact(self):
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")

    def test_negative_integers_are_summed(self):
        self.assertEqual(self.ok("run", "sum", "--range", "-100:1").out, "-5050\n")

    def test_a_long_range_is_summed_without_using_memory(self):
        n = 3_000_000_000
        self.assertEqual(int(self.ok("run", "sum", "--range", f"0:{n}").out), n * (n - 1) // 2)

    def test_primes_are_counted(self):
        self.assertEqual(self.ok("run", "primes", "--range", "1:1000000").out, "78498\n")

    def test_pi_is_estimated(self):
        n = 4_000_000
        pi = float(self.ok("run", "pi", "--range", f"0:{n}").out)
        self.assertLess(abs(pi - math.pi), 5 * 1.65 / math.sqrt(n))

    def test_a_job_reports_its_decision_and_the_share_of_each_worker(self):
        number = self.submit("primes", "--range", "1:3000000")
        self.ok("wait", number)
        job = self.job(number)
        self.assertIn("divisible", job["decision"])
        self.assertEqual(job["done"], 2999999)
        self.assertEqual(sum(worker["tasks"] for worker in job["workers"]), 2999999)
        self.assertAlmostEqual(sum(worker["share"] for worker in job["workers"]), 1)
        text = self.ok("job", number).out
        self.assertIn("decision", text)
        self.assertIn("whole", text)

    def test_an_indivisible_input_is_one_task(self):
        number = self.submit("echo", "--input", "one thing")
        self.ok("wait", number)
        job = self.job(number)
        self.assertIn("not divisible", job["decision"])
        self.assertEqual(job["total"], 1)
        self.assertEqual(self.ok("results", number).out, "one thing\n")


if __name__ == "__main__":
    unittest.main()
