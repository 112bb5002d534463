"""A project outside the tree finds an installed Quern with find_package(), and its programs work.
"""

import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from rig import Rig, wait_until  # noqa: E402  (found in the folder that was just added)

BUILD = os.environ["QUERN_BUILD"]
SANITIZE = os.environ.get("QUERN_SANITIZE", "")


class Package(Rig):
    def tool(self, *words):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=500)
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}\n{done.stderr}")

    def test_a_project_outside_the_tree_builds_and_runs(self):
        prefix, consumer = self.folder / "prefix", self.folder / "consumer-build"
        self.tool("cmake", "--install", BUILD, "--prefix", prefix)
        for program in ("quern", "quern-broker", "quern-worker"):
            self.assertTrue(os.access(prefix / "bin" / program, os.X_OK), program)
        for page in ("man/man1/quern.1", "man/man1/quern-run.1", "man/man1/quern-broker.1", "bash-completion/completions/quern",
                     "zsh/site-functions/_quern"):
            self.assertGreater((prefix / "share" / page).stat().st_size, 0, page)
        # Everything that is linked together must use the same sanitizer.
        flags = f"-fsanitize={SANITIZE}" if SANITIZE else ""
        # Private dependencies need not be found. (Debian's msgpack package itself looks for Boost.)
        inside = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ("spdlog", "nlohmann_json", "cppzmq")]
        self.tool("cmake", "-G", "Ninja", "-S", HERE / "consumer", "-B", consumer, f"-DCMAKE_PREFIX_PATH={prefix}",
                  f"-DCMAKE_CXX_FLAGS={flags}", *inside)
        self.tool("cmake", "--build", consumer)

        # Without CMake, pkg-config gives everything that the compiler needs.
        found = next(prefix.glob("lib/**/quern.pc"))
        said = subprocess.run(["pkg-config", "--cflags", "--libs", found], capture_output=True, text=True, check=True).stdout.split()
        self.tool("c++", "-std=c++20", "-O0", *flags.split(), HERE / "consumer" / "client.cpp", *said, "-o", self.folder / "client")

        self.start_broker()
        self.start([consumer / "worker", "--name", "consumer"])
        wait_until(lambda: self.worker_names() == ["consumer"], "the consumer's worker")
        done = self.start([consumer / "client"]).finish()
        self.assertEqual((done.code, done.out), (0, "1\n4\n9\n16\n25\n55\n"), done)
        self.assertEqual(self.ok("run", "square", "--range", "1:4").lines, ["1", "4", "9"])


if __name__ == "__main__":
    unittest.main()
