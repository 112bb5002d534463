"""No program stays behind after any kind of end; `quern run exec`."""

import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from rig import Rig, SANITIZED, SLOWNESS, wait_until
from processes import marked_processes

TEST_MARK = "QUERN_TEST_RUN"


class Programs(Rig):
    """Commands carry the name of their test, so that parallel tests do not see each other's
    commands.
    """

    def setUp(self):
        super().setUp()
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.env["TMPDIR"] = str(self.temporary)
        self.tag = f"{TEST_MARK}={self.folder.name}"
        self.start_broker()
        self.worker = self.start_worker("w", "--allow-exec", slots=2)

    def programs(self, name=None):
        return marked_processes(name, self.tag.encode())

    def map_start(self, *words):
        return self.quern_start("map", "--env", self.tag, *words)

    def expect_all_gone(self, what):
        wait_until(lambda: not self.programs(), f"the end of every program after {what}", patience=2 * max(1, SLOWNESS))

    # Each command has a child, a child in the background, one that left its group, and one that
    # ignores SIGTERM.
    FAMILY = "trap '' TERM; sleep 1000 & setsid sleep 1000 & (setsid sh -c 'trap \"\" TERM; while :; do sleep 1000; done' &) ; sleep 1000; sleep 1000 # {}"

    def start_family(self):
        map_ = self.map_start(self.FAMILY, ":::", "a", "b")
        wait_until(lambda: len(self.programs("sleep")) >= 8, "the family")
        return map_

    def test_ctrl_c_leaves_no_program_behind(self):
        map_ = self.start_family()
        map_.send(signal.SIGINT)
        self.assertEqual(map_.finish().code, 130)
        self.expect_all_gone("Ctrl-C")

    def test_a_hang_up_leaves_no_program_behind(self):
        map_ = self.start_family()
        map_.send(signal.SIGHUP)
        self.assertEqual(map_.finish().code, 130)
        self.expect_all_gone("SIGHUP")

    def test_cancel_leaves_no_program_behind(self):
        map_ = self.start_family()
        self.ok("cancel", self.wait_for_job("exec")["job"])
        self.assertEqual(map_.finish().code, 1)
        self.expect_all_gone("cancel")

    def test_killing_the_worker_leaves_no_program_behind(self):
        self.start_family()
        self.worker.kill()
        self.expect_all_gone("kill -9 of the worker")
        wait_until(lambda: not list(self.temporary.iterdir()), "the end of its folders")

    def test_killing_every_worker_process_leaves_no_program_behind(self):
        self.start_family()
        for pid in [self.worker.pid]:
            os.kill(pid, signal.SIGKILL)
        self.expect_all_gone("kill -9")

    def test_an_orderly_exit_of_the_worker_leaves_no_program_behind(self):
        self.start_family()
        self.worker.send(signal.SIGTERM)
        # The kernel keeps only one pending SIGTERM, so the second is sent after the first was
        # handled.
        wait_until(lambda: self.workers()[0]["state"] == "draining", "the worker to drain")
        self.worker.send(signal.SIGTERM)
        self.worker.finish()
        self.expect_all_gone("the worker's end")

    def test_a_normal_end_leaves_no_program_behind(self):
        self.ok("map", "--env", self.tag, "--cwd", "temp", "touch x; sleep 1000 & (setsid sleep 1000 &) ; echo {}", ":::", *map(str, range(20)))
        self.expect_all_gone("the end of the commands")
        reapers = [place for place in self.temporary.iterdir()]
        self.assertEqual([list(place.iterdir()) for place in reapers], [[]], "temporary folders")

    def test_a_client_error_ends_its_commands(self):
        self.write("plain", "no folder")
        done = self.quern("map", "--env", self.tag, "--results", "plain/x", "[ {} = 0 ] || sleep 1000", ":::", "0", "1", "2")
        self.assert_one_line(done, 2, "plain/x")
        self.expect_all_gone("an error of the client")

    def test_a_worker_that_loses_its_broker_keeps_running_commands(self):
        map_ = self.map_start("sleep 0.5; echo {}", ":::", "a")
        wait_until(lambda: self.programs("sleep"), "the start")
        self.assertEqual(map_.finish().out, "a\n")

    # -- run exec
    # -------------------------------------------------------------------------------------------------

    def test_exit_codes_are_passed_through(self):
        for code in (0, 1, 3, 77, 255):
            self.assertEqual(self.quern("run", "exec", "--", "sh", "-c", f"exit {code}").code, code)
        self.assertEqual(self.quern("run", "exec", "kill -9 $$").code, 137)
        self.assertEqual(self.quern("run", "exec", "--timeout", "0.2", "sleep", "1000").code, 124)
        self.assertEqual(self.quern("run", "exec", "surely-no-such-program").code, 127)
        self.assertEqual(self.quern("run", "exec", "/etc/passwd").code, 126)
        self.assertEqual(self.quern("run", "exec").code, 125)
        self.assertEqual(self.quern("run", "exec", "--frob", "true").code, 125)
        self.assertEqual(self.quern("run", "exec", "true", env={"QUERN_BROKER": "tcp://127.0.0.1:1"}).code, 125)

    def test_run_exec_runs_one_command(self):
        done = self.quern("run", "exec", "--", "sh", "-c", "cat; printf 'b\\000'; echo err >&2", stdin=b"in")
        self.assertEqual((done.raw, done.err), (b"inb\0", "err\n"))
        self.assertEqual(self.ok("run", "exec", "--stdin", "-", "cat", stdin=b"\0in").raw, b"\0in")
        self.assertEqual(self.ok("run", "exec", "echo $((1 + 2)) {}").out, "3 {}\n")
        said = self.ok("run", "exec", "--json", "echo", "x").objects[0]
        self.assertEqual((said["stdout"], said["code"]), ("x\n", 0))
        number = self.ok("run", "exec", "--detach", "--", "sh", "-c", "echo out; exit 4").out.strip()
        self.assertEqual(self.quern("wait", number).code, 1)
        self.assertEqual(self.ok("logs", number).out, "out\n")

    def test_run_exec_runs_each_line(self):
        done = self.quern("run", "exec", "--each-line", "-", "--", "echo", "[{}]", stdin=b"a\nb c\n")
        self.assertEqual((done.code, done.out), (0, "[a]\n[b c]\n"), done)
        number = self.ok("run", "exec", "--each-line", self.write("lines", "1\n2\n"), "--detach", "echo").out.strip()
        self.ok("wait", number)
        self.assertEqual(self.ok("logs", number).out, "1\n2\n")

    def test_run_exec_accepts_json(self):
        self.start_worker("north", "--allow-exec", "--label", "zone=north")
        lines = (b'{"args": ["a", "b c"], "env": {"X": "1"}, "cwd": "/", "stdin": "in "}\n'
                 b'{"args": ["d"], "require": {"zone": "north"}, "cost": 2}\n{}\n')
        done = self.quern("run", "exec", "--from-json", "-", "--", "sh", "-c", 'cat; echo $X $(pwd) "$@"', "sh", "{}", stdin=lines)
        self.assertEqual((done.code, done.lines), (0, ["in 1 / a b c", f"{self.folder} d", f"{self.folder}"]), done)
        done = self.quern("run", "exec", "--from-json", "-", stdin=b'{"args": ["echo", "alone"]}\n')
        self.assertEqual((done.code, done.out), (0, "alone\n"), done)
        bad = self.quern("run", "exec", "--from-json", "-", stdin=b'{}\n{"argv": []}\n')
        self.assertEqual(bad.code, 125)
        self.assertIn("line 2", bad.err)


class Isolation(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def test_a_crashing_function_fails_only_its_task(self):
        worker = self.start_worker("w", "--isolation", "process", slots=2)
        done = self.quern("run", "crash", "--items", "-", "--retries", "0", "--json", stdin=b'"ok"\n"segv"\n"exit"\n"abort"\n"ok"\n')
        self.assertEqual(done.code, 1)
        self.assertEqual([row["ok"] for row in done.objects], [True, False, False, False, True], done)
        texts = [row.get("error", "") for row in done.objects]
        for text, how in ((texts[1], "signal 11"), (texts[2], "exit code 3"), (texts[3], "signal 6")):
            # A sanitizer turns signals into its own report and exit code.
            self.assertIn("the function's process ended" if SANITIZED else f"the function's process ended: {'killed by ' if 'signal' in how else ''}{how}", text)
        self.assertTrue(worker.runs())

    def test_a_function_over_its_time_limit_is_killed(self):
        self.start_worker("w", "--isolation", "process")
        done = self.quern("run", "crash", "--items", "-", "--retries", "0", "--timeout", "0.3", "--json", stdin=b'"hang"\n"ok"\n')
        self.assertEqual([row["ok"] for row in done.objects], [False, True], done)
        self.assertEqual(done.objects[0]["code"], "timeout")
        self.assertEqual(self.workers()[0]["stuck"], 0)

    @unittest.skipIf(SLOWNESS > 1, "a sanitizer's memory is no measure")
    def test_a_leaking_function_is_reported(self):
        self.start_worker("w", "--isolation", "process", "--slot-memory", "300MiB")
        done = self.quern("run", "crash", "--items", "-", "--retries", "0", "--json", stdin=b'"leak"\n"ok"\n')
        self.assertEqual([row["ok"] for row in done.objects], [False, True], done)
        self.assertIn("--slot-memory", done.objects[0]["error"])

    def test_process_slots_otherwise_behave_like_threads(self):
        self.start_worker("w", "--isolation", "process", slots=2)
        self.assertEqual(self.ok("run", "sum", "--range", "1:1000001").out, "500000500000\n")
        self.assertEqual(self.ok("run", "pi", "--range", "0:100000").code, 0)
        text = self.write("text", "b a b\n" * 1000)
        self.assertEqual(self.ok("run", "wordcount", "--blocks", text, "--reduce", "merge_counts").objects, [{"a": 1000, "b": 2000}])
        self.assertEqual(self.ok("run", "noop", "--items", "-", "--common", self.write("n", "3"), stdin=b"abcdef\n").out, "abc\n")
        self.assertEqual(self.ok("run", "noop", "--items", "-", stdin=b"abcdef\n").raw, b"abcdef\0\0\n", "another job's common input is not this one's")

    def test_killing_the_worker_leaves_no_process_slot_behind(self):
        worker = self.start_worker("w", "--isolation", "process")
        self.quern_start("run", "crash", "--input", '"hang"')
        # Only this worker's: tests that run at the same time have processes of slots, too.
        slot = wait_until(lambda: marked_processes(parent=worker.pid), "the process of the slot")[0]
        mark = pathlib.Path(f"/proc/{slot}/environ").read_bytes()
        mine = next(part for part in mark.split(b"\0") if part.startswith(b"QUERN_MARK=")).split(b".")[0]
        worker.kill()
        wait_until(lambda: not marked_processes(mark=mine), "the end of the slot's process", patience=2 * max(1, SLOWNESS))


class UpRunsPrograms(Rig):
    def test_quern_up_allows_programs(self):
        up = self.quern_start("up", "--bind", "tcp://127.0.0.1:0", "--no-http", "--json")
        import json
        self.env["QUERN_BROKER"] = json.loads(up.line())["broker"]
        self.assertEqual(self.ok("map", "echo", ":::", "a").out, "a\n")
        up.send(signal.SIGINT)
        self.assertEqual(up.finish().code, 0)


if __name__ == "__main__":
    unittest.main()
