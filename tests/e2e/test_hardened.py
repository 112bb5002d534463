"""The functions that a worker allows, and the hardening of the programs."""

import subprocess
import unittest

from rig import BIN, SANITIZED, Rig, wait_until


class Allowed(Rig):
    def test_a_worker_runs_only_what_it_allows(self):
        self.start_broker()
        self.start_worker("careful", "--allow", "echo", "--allow", "su?")
        self.assertEqual({f["name"] for f in self.workers()[0]["functions"]}, {"echo", "sum"})
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
        job = self.submit("primes", "--range", "1:100")
        waiting = wait_until(lambda: next((j for j in self.jobs() if j["job"] == job), None), "the job")
        self.assertEqual(waiting["state"], "waiting")
        self.start_worker("willing")
        self.ok("wait", job)
        self.assertEqual([w["worker"] for w in self.ok("job", job, "--json").objects[0]["workers"]], ["willing"])


@unittest.skipIf(SANITIZED, "a sanitizer's build is not what is installed")
class Built(unittest.TestCase):
    def readelf(self, option, program):
        return subprocess.run(["readelf", "-W", option, BIN / program], capture_output=True, text=True, check=True).stdout

    def test_programs_are_hardened(self):
        for program in ("quern", "quern-broker", "quern-worker"):
            with self.subTest(program=program):
                self.assertIn("DYN (Position-Independent Executable", self.readelf("-h", program))
                self.assertIn("BIND_NOW", self.readelf("-d", program))
                segments = self.readelf("-l", program)
                self.assertIn("GNU_RELRO", segments)
                stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
                self.assertNotIn("RWE", stack)
                self.assertIn("__stack_chk_fail", self.readelf("--dyn-syms", program))


if __name__ == "__main__":
    unittest.main()
