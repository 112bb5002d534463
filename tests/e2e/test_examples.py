"""The programs in the README are those in sdk/examples, and they work."""

import unittest

from rig import BIN, TOP, Rig, wait_until

EXAMPLES = TOP / "sdk" / "examples"


def program(name):
    """An example without its opening comment."""
    lines = (EXAMPLES / name).read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("//"))


class Examples(Rig):
    def test_the_readme_shows_the_examples(self):
        readme = (TOP / "README.md").read_text()
        for name in ("square_worker.cpp", "squares.cpp"):
            self.assertIn(f"```cpp\n{program(name)}```", readme, name)

    def test_the_examples_work_together(self):
        self.start_broker()
        self.start([BIN / "example_square_worker", "--name", "square"])
        wait_until(lambda: self.worker_names() == ["square"], "the example's worker")
        done = self.start([BIN / "example_squares"]).finish()
        self.assertEqual((done.code, done.out), (0, "1\n4\n9\n16\n25\n"), done)


if __name__ == "__main__":
    unittest.main()
