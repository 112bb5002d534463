"""The result of a byte-exact reduction does not depend on how the job was split."""

import random
import unittest

from rig import Rig

RIGS = [(1, 1), (1, 3), (7, 1), (7, 2), (7, 3)]  # workers, slots per worker


class Carving(Rig):
    def results_of(self, workers, slots, jobs):
        self.start_broker()
        started = [self.start_worker(f"w{i}", "--cpu-share", str(1 / (1 + i % 3)), slots=slots) for i in range(workers)]
        results = [self.ok("run", *job).raw for job in jobs]
        for process in [*started, self.broker]:
            process.kill()
        return results

    def test_one_worker_and_seven_give_the_same_bytes(self):
        random.seed(7)
        words = [f"w{random.randrange(500):03}".translate(str.maketrans("0123456789", "abcdefghij")) for _ in range(60000)]
        text = self.write("text", " ".join(words))
        lines = self.write("lines", "".join(f"{random.randrange(10**6)}\n" for _ in range(20000)))
        jobs = [
            ("wordcount", "--blocks", text, "--reduce", "merge_counts", "--json"),
            ("primes", "--range", "1:400000"),
            ("pi", "--range", "0:2000000"),
            ("echo", "--lines", lines, "--reduce", "concat"),
            ("echo", "--lines", lines, "--reduce", "count"),
        ]
        # The JSON line contains the job number, so every rig runs the same jobs on a new broker.
        first, *others = [self.results_of(workers, slots, jobs) for workers, slots in RIGS]
        for other in others:
            for job, one, another in zip(jobs, first, other):
                self.assertEqual(one, another, f"{job[0]} depends on the carving")
        self.assertEqual(first[3], lines.read_bytes().replace(b"\n", b"") + b"\n")
        self.assertEqual(first[4], b"20000\n")


if __name__ == "__main__":
    unittest.main()
