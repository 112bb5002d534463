"""scripts/launch-workers.sh, with a replacement for ssh that runs everything on this machine."""

import os
import subprocess
import unittest

from rig import BIN, TOP, Rig, wait_until

SCRIPT = TOP / "scripts" / "launch-workers.sh"

# Takes what ssh takes (options, host, command). A host called "down" cannot be reached.
WRAPPER = """#!/bin/sh
while [ "$1" = -o ]; do
  case "$2" in BatchMode=yes|ConnectTimeout=*) ;; *) echo "unexpected option $2" >&2; exit 255 ;; esac
  shift 2
done
[ "$1" != down ] || { echo "ssh: connect to host down: no route" >&2; exit 255; }
shift
exec sh -c "$*"
"""


class Launch(Rig):
    def setUp(self):
        super().setUp()
        wrapper = self.write("wrapper", WRAPPER)
        wrapper.chmod(0o755)
        self.env.update(QUERN_SSH=str(wrapper), XDG_RUNTIME_DIR=str(self.folder))
        self.start_broker()
        self.addCleanup(self.launch, "stop", "north", "south")

    def launch(self, *words):
        done = subprocess.run([SCRIPT, *words], env=self.env, capture_output=True, text=True, timeout=120)
        rows = [line.split(None, 2) for line in done.stdout.splitlines()]
        return done.returncode, {row[0]: row[2] for row in rows[1:]}, done

    def start_both(self):
        return self.launch("start", "--bin", str(BIN / "quern-worker"), "--slots", "1", "north", "south")

    def test_workers_are_started_listed_and_stopped(self):
        code, table, done = self.start_both()
        self.assertEqual(code, 0, done)
        self.assertRegex(table["north"], r"^started \(process \d+\)$")
        wait_until(lambda: self.worker_names() == ["north", "south"], "both workers")

        code, again, done = self.start_both()
        self.assertEqual(code, 0, done)
        self.assertRegex(again["north"], "already running")
        self.assertEqual(self.worker_names(), ["north", "south"])

        code, table, _ = self.launch("status", "north", "south", "east")
        self.assertEqual(code, 1)
        self.assertRegex(table["south"], r"^running \(process \d+\)$")
        self.assertEqual(table["east"], "not running")

        code, table, _ = self.launch("stop", "north", "south")
        self.assertEqual((code, table), (0, {"north": "stopped", "south": "stopped"}))
        wait_until(lambda: self.worker_names() == [], "the end of both")
        code, table, _ = self.launch("stop", "north")
        self.assertEqual((code, table), (0, {"north": "was not running"}))

    def test_an_unreachable_host_is_reported_and_the_others_start(self):
        code, table, done = self.launch("--bin", str(BIN / "quern-worker"), "down", "north")
        self.assertEqual(code, 1, done)
        self.assertIn("no route", table["down"])
        self.assertIn("started", table["north"])

    def test_a_missing_program_is_reported(self):
        code, table, _ = self.launch("--bin", "/absent/quern-worker", "north")
        self.assertEqual(code, 1)
        self.assertIn("/absent/quern-worker", table["north"])

    def test_a_stale_process_id_is_not_signalled(self):
        # The process id of this test with another start time, as left over after a reboot.
        self.write("quern-worker-north.pid", f"{os.getpid()} 1\n")
        code, table, _ = self.launch("stop", "north")
        self.assertEqual((code, table), (0, {"north": "was not running"}))

    def test_mistakes_are_reported(self):
        for words in ((), ("start",), ("--slots", "many", "north"), ("--no-such", "north"), ("--broker",)):
            with self.subTest(words=words):
                code, _, done = self.launch(*words)
                self.assertEqual(code, 2, done)
                self.assertEqual(len(done.stderr.splitlines()), 1, done)


if __name__ == "__main__":
    unittest.main()
