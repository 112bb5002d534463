"""The version is what quern/version.hpp says, whoever is asked."""

import re
import subprocess
import unittest

from rig import BIN, TOP, Rig


def version_of_the_headers():
    text = (TOP / "sdk/include/quern/version.hpp").read_text()
    return ".".join(re.search(rf"#define QUERN_VERSION_{part} (\d+)", text)[1]
                    for part in ("MAJOR", "MINOR", "PATCH"))


class Version(Rig):
    def test_every_program_prints_its_own_name_and_the_version_of_the_headers(self):
        version = version_of_the_headers()
        for program in ("quern", "quern-broker", "quern-worker"):
            done = subprocess.run([BIN / program, "--version"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stdout, f"{program} {version}\n")

    def test_packages_have_it(self):
        version = version_of_the_headers()
        for package in ("quern.pc", "quern-worker.pc"):
            text = (BIN.parent / package).read_text()
            self.assertIn(f"\nVersion: {version}\n", text, package)


if __name__ == "__main__":
    unittest.main()
