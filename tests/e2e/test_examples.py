"""The programs that README shows are those in sdk/examples, and every example works."""

import re
import unittest

from rig import BIN, TOP, Rig, wait_until

EXAMPLES = TOP / "sdk" / "examples"
NAMES = {file.stem for file in EXAMPLES.glob("*.cpp")}


def program(name):
    """An example without the comment it opens with."""
    lines = (EXAMPLES / name).read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("//"))


class Shown(unittest.TestCase):
    def test_readme_shows_them(self):
        readme = (TOP / "README.md").read_text()
        for name in ("square_worker.cpp", "squares.cpp"):
            self.assertIn(f"```cpp\n{program(name)}```", readme, name)

    def test_the_index_lists_each_once(self):
        index = (EXAMPLES / "README.md").read_text()
        listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.cpp\)", index, re.MULTILINE)
        self.assertEqual(sorted(listed), sorted((name, name) for name in NAMES))

    def test_each_is_run_here(self):
        source = (TOP / "tests/e2e/test_examples.py").read_text()
        run = set(re.findall(r'self\.(?:prints|has|started)\("(\w+)"', source))
        self.assertEqual(run, NAMES)


class Examples(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def has(self, name, *words):
        """Starts an example as a worker."""
        self.start([BIN / f"example_{name}", *words, "--name", name])
        wait_until(lambda: name in self.worker_names(), f"the worker of example {name}")

    def started(self, name, *words):
        """Runs an example to its end."""
        done = self.start([BIN / f"example_{name}", *words]).finish()
        self.assertEqual(done.code, 0, done)
        return done

    def prints(self, name, *lines):
        done = self.started(name)
        self.assertEqual(done.lines, list(lines), done)

    def test_squares(self):
        self.has("square_worker")
        self.prints("squares", "1", "4", "9", "16", "25")

    def test_submit(self):
        self.start_worker("w")
        done = self.started("submit")
        self.assertEqual(done.lines[:4], ["0: wheat", "1: rye", "2: barley", "sum: 5050"], done)
        # Single submits are tasks of one job, whatever its number.
        self.assertEqual([re.sub(r"^\d+\.", "", line) for line in done.lines[4:]],
                         ["0: wheat", "1: rye", "2: barley"], done)

    def test_handling_errors(self):
        self.has("square_worker")
        self.prints("handling_errors",
                    "1 -> 1",
                    "two -> permanent: the input is not JSON: two",
                    "3 -> 9",
                    "JobError: task 1: permanent",
                    "SubmitError: bad_input: the weight must be above 0",
                    "ConnectionError: no_broker",
                    "outcome: failed, 2 done, 1 failed")

    def test_streaming_results(self):
        self.start_worker("w")
        self.prints("streaming_results",
                    *(f"in order: {n}" for n in (25000, 50000, 75000, 100000)),
                    "as completed: 100000 results",
                    "the longest result has 6 bytes")

    def test_reducers(self):
        self.start_worker("w")
        self.has("square_worker")
        self.prints("reducers",
                    "sum of the squares of 1 to 10: 385",
                    "min of the squares of 1 to 10: 1",
                    "max of the squares of 1 to 10: 100",
                    "count of the squares of 1 to 10: 10",
                    "concat: many small tasks",
                    "sum of 1 to 1000: 500500",
                    "of nothing: sum 0, max has no value")

    def test_own_reducer(self):
        self.has("own_reducer", "worker")
        self.prints("own_reducer",
                    "1000000 numbers, mean 500000.5, standard deviation 288675.1",
                    "1 numbers, mean 7.0, standard deviation 0.0",
                    "0 numbers, mean 0.0, standard deviation 0.0")

    def test_cancelling(self):
        self.start_worker("w")
        self.prints("cancelling",
                    "the whole job: cancelled, 0 done, 0 failed",
                    "task 0: done", "task 1: cancelled", "task 2: cancelled", "task 3: done",
                    "what had not begun: cancelled, some done")

    def test_attaching(self):
        self.start_worker("w")
        number = self.started("attaching").lines[0]
        for _ in range(2):  # reading frees nothing
            done = self.started("attaching", number)
            self.assertEqual(done.lines, ["wheat", "rye", "barley", "the job is done"], done)
            self.assertIn("3 of 3 done", done.err)

    def test_open_job(self):
        self.has("square_worker")
        self.prints("open_job", "4", "16", "256", "65536", "4294967296", "the job is done")

    def test_composing(self):
        self.has("square_worker")
        self.prints("composing",
                    "sum of squares: 30", "the last of a thousand: 998001",
                    "3 to the fourth: 81", "number 0 was first: 25",
                    "in time: false", "ended with: deadline")

    def test_event_loop(self):
        self.has("square_worker")
        self.prints("event_loop", "3^2 + 4^2 = 25", "the loop went on meanwhile: true")

    def test_common_input(self):
        self.has("common_input", "worker")
        self.prints("common_input",
                    "p(-2) = 17", "p(-1) = 6", "p(0) = 1", "p(1) = 2", "p(2) = 9")


if __name__ == "__main__":
    unittest.main()
