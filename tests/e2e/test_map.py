"""`quern map` compared with GNU parallel and xargs: the same input and command must give the same
output.
"""

import json
import os
import shutil
import signal
import subprocess
import unittest

from rig import Rig, wait_until
from processes import marked_processes

PARALLEL = shutil.which("parallel")


class Map(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w", "--allow-exec", slots=2)
        (self.folder / ".parallel").mkdir()
        (self.folder / ".parallel" / "will-cite").touch()
        self.write("abc-file", "A\nB\nC\n")
        self.write("def-file", "D\nE\nF\n")

    def other(self, *words, stdin=b""):
        """The output of another tool."""
        done = subprocess.run(words, input=stdin, capture_output=True, cwd=self.folder, env={**self.env, "HOME": str(self.folder)}, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def assert_as_parallel(self, *words, stdin=b"", exact=True):
        """Checks that the output and the success are the same."""
        ours = self.quern("map", *words, stdin=stdin)
        if not PARALLEL:
            return ours
        code, out, _ = self.other(PARALLEL, *words, stdin=stdin)
        self.assertEqual(ours.code == 0, code == 0, (words, ours, code))
        if exact:
            self.assertEqual(ours.raw, out, words)
        else:
            self.assertEqual(sorted(ours.lines), sorted(out.decode().splitlines()), words)
        return ours

    # -- the table
    # ------------------------------------------------------------------------------------------------

    def test_output_equals_that_of_gnu_parallel(self):
        nasty = "a b\n'quoted'\n\"double\"\n$HOME `id` ;|&\n\\back\\\n*\n-n\n\t tab \nKäse\n".encode()
        for words, stdin in [
            (("-k", "echo"), b""),
            (("-k", "echo", "[{}]"), b"a\n\nb\n"),
            (("-k", "echo"), b"no newline at the end"),
            (("-k", "echo"), b"a\r\nb\r\n"),
            (("-k", "printf", "%s\\\\n"), nasty),
            (("-k", "-0", "echo"), b"a\nb\0c d\0"),
            (("-k", "-N", "2", "echo"), b"1\n2\n3\n"),
            (("-k", "-n", "2", "echo", "{}", "{.}"), b"a.x\nb.y\nc.z\n"),
            (("-k", "echo", "{}", "{.}", "{/}", "{//}", "{/.}", "{#}"), b"/a/b.c.d\ne.f\n.g\nh/\n"),
            (("-k", "echo", "{1}-{2}", ":::", "a", "b", ":::", "1", "2"), b""),
            # From its tutorial.
            (("-k", "echo", ":::", "A", "B", "C"), b""),
            (("-k", "-a", "abc-file", "echo"), b""),
            (("-k", "-a", "abc-file", "-a", "def-file", "echo"), b""),
            (("-k", "-a", "-", "-a", "def-file", "echo"), b"A\nB\nC\n"),
            (("-k", "echo", "::::", "abc-file", "def-file"), b""),
            (("-k", "echo", ":::", "A", "B", "C", "::::", "def-file"), b""),
            (("-k", "echo", "::::", "-", "def-file"), b"A\nB\n"),
            (("-k", ":::", "true", "echo foo", "pwd"), b""),
            (("-k",), b"echo a b\nexit 3\n"),
            (("-k", "echo", "{/}", ":::", "A/B.C"), b""),
            (("-k", "echo", "{//}", ":::", "A/B.C"), b""),
            (("-k", "echo", "{/.}", ":::", "A/B.C"), b""),
            (("-k", "echo", "{.}", ":::", "A/B.C"), b""),
            (("-k", "echo", "{#}", ":::", "A", "B", "C"), b""),
            (("-k", "echo", "/={1/}", "//={1//}", "/.={1/.}", ".={1.}", ":::", "A/B.C", "D/E.F"), b""),
            (("-k", "echo", "{2} {1}", ":::", "A", "B", ":::", "C"), b""),
            (("-k", "--tag", "echo", "foo-{}", ":::", "A", "B", "C"), b""),
            (("--dry-run", "-k", "echo", "{}", ":::", "A", "B", "C"), b""),
            (("--dry-run", "-k", "echo", "{1}", "x{2}", ":::", "A", "B", ":::", "C"), b""),
            (("-k", "--timeout", "3", "sleep {}; echo {}", ":::", "0.1", "9"), b""),
            (("-k", "--retries", "3", "echo {}; false", ":::", "A"), b""),
            (("-k", "-j1", "--halt", "now,fail=1", "echo {}; exit {}", ":::", "0", "0", "3", "4"), b""),
            (("-k", "-j1", "--halt", "soon,fail=2", "echo {}; exit {}", ":::", "0", "1", "2", "3"), b""),
            (("-k", "-j1", "--halt", "now,success=1", "echo {}; exit {}", ":::", "1", "2", "0", "3"), b""),
            (("-k", "--pipe", "--block", "2M", "cat"), b"".join(b"%d\n" % n for n in range(100_000))),
            (("-k", "--tag", "echo", "x", ":::", "a", "b"), b""),
            (("-k", "--tag", "printf 'l1\\nl2\\n' #", ":::", "a"), b""),
            (("-k", "echo {} | tr a-z A-Z", ":::", "abc", "it's"), b""),
            (("-k", "echo a; echo {}", ":::", "x  y", "$(id)", "'"), b""),
            (("-k", "cat {} | wc -l"), b"/dev/null\n"),
            (("-k", "echo", "{}{}", "x{}y"), b"1\n"),
            (("-k", "-j1", "echo", ":::", "a", "b"), b""),
            (("-k", "--retries", "1", "echo", ":::", "a"), b""),
            (("-k", "exit {}", ":::", "0", "3"), b""),
            (("-k", "--pipe", "wc", "-l"), b"a\nb\nc\n"),
            (("-k", "--pipe", "--block", "10", "cat"), b"123456\n12345\nx\n" * 5),
        ]:
            if "-N" in words:  # another name of the option in GNU parallel
                ours = self.quern("map", *("-n" if word == "-N" else word for word in words), stdin=stdin)
                if PARALLEL:
                    self.assertEqual(ours.raw, self.other(PARALLEL, *words, stdin=stdin)[1])
                continue
            if "printf" in words:  # GNU parallel joins the words into a script, quern passes them to the program
                ours = self.quern("map", "-k", "printf", "%s\\n", stdin=stdin)
                self.assertEqual(ours.raw, nasty)
                continue
            with self.subTest(words):
                self.assert_as_parallel(*words, stdin=stdin)

    def test_output_equals_that_of_xargs(self):
        for words, stdin in [
            (("-n", "1", "echo"), b"a\nb\n"),
            (("-n", "2", "echo"), b"a\nb\nc\n"),
            (("-n", "1", "printf", "[%s]"), b"a b\nc\n"),
        ]:
            with self.subTest(words):
                ours = self.quern("map", "-k", *words, stdin=stdin)
                code, out, _ = self.other("xargs", "-d", "\\n", *words, stdin=stdin)
                self.assertEqual((ours.code, ours.raw), (code, out))

    def test_binary_output_and_huge_lines_are_kept(self):
        blob = os.urandom(300_000)
        self.write("blob", blob)
        self.assertEqual(self.ok("map", "cat", "{}", ":::", "blob").raw, blob)
        line = b"x" * 100_000
        self.assertEqual(self.ok("map", "-k", "echo", stdin=line + b"\nshort\n").raw, line + b"\nshort\n")
        done = self.quern("map", "echo", stdin=b"x" * 200_000)
        self.assertEqual(done.code, 1)
        self.assertIn("128 KiB", done.err)

    def test_each_of_many_lines_is_run_once(self):
        done = self.ok("map", "echo", stdin="".join(f"{i}\n" for i in range(2000)).encode())
        self.assertEqual(sorted(map(int, done.lines)), list(range(2000)))

    def test_outputs_of_commands_are_never_mixed(self):
        script = "for i in 1 2 3 4 5 6 7 8; do echo {}; echo {} >&2; sleep 0.002; done"
        done = self.ok("map", script, stdin="".join(f"{i}\n" for i in range(40)).encode())
        for text in (done.out, done.err):
            lines = text.splitlines()
            self.assertEqual(len(lines), 320)
            for at in range(0, 320, 8):
                self.assertEqual(len(set(lines[at:at + 8])), 1, lines[at:at + 8])

    # -- failures
    # -------------------------------------------------------------------------------------------------

    def test_failed_commands_set_the_exit_code(self):
        done = self.quern("map", "-k", "echo out {}; echo err {} >&2; exit {}", ":::", "0", "4")
        self.assertEqual((done.code, done.out), (1, "out 0\nout 4\n"), done)
        self.assertEqual(done.err, "err 0\nerr 4\nquern: 1 command failed\n")
        done = self.quern("map", "surely-no-such-program", ":::", "a", "b")
        self.assertEqual(done.code, 1)
        self.assertEqual(done.err.count("cannot run surely-no-such-program: No such file or directory"), 2, done)
        done = self.quern("map", "--json", "kill -SEGV $$ #", ":::", "a")
        self.assertEqual((done.objects[0]["signal"], done.objects[0]["ok"]), (11, False), done)

    def test_failed_commands_are_retried(self):
        done = self.ok("map", "--retries", "3", f"echo x >> {self.folder}/tries; test $(wc -l < {self.folder}/tries) = 3 && echo {{}}", ":::", "a")
        self.assertEqual(done.out, "a\n")
        self.assertEqual((self.folder / "tries").read_text(), "x\nx\nx\n")

    def test_a_timed_out_command_shows_its_output_so_far(self):
        done = self.quern("map", "--timeout", "0.3", "--json", "echo begun; sleep 1000 #", ":::", "a")
        self.assertEqual(done.code, 1)
        self.assertEqual((done.objects[0]["stdout"], done.objects[0]["timed_out"]), ("begun\n", True), done)
        self.assertEqual(marked_processes("sleep", folder=self.folder), [])

    def test_halt_now_ends_running_commands(self):
        done = self.quern("map", "--halt", "now,fail=1", "sleep {}; exit 1", ":::", "0", "1000", "1000", "1000")
        self.assertEqual(done.code, 1, done)
        self.assertIn("stopping", done.err)
        wait_until(lambda: not marked_processes("sleep", folder=self.folder), "the end of what ran")

    def test_halt_soon_starts_no_further_commands(self):
        done = self.quern("map", "--halt", "soon,fail=1", f"echo {{}} >> {self.folder}/ran; sleep 0.2; exit 1", stdin="".join(f"{i}\n" for i in range(100)).encode())
        self.assertEqual(done.code, 1, done)
        self.assertLess(len((self.folder / "ran").read_text().split()), 20)
        waits = self.quern_start("map", "--halt", "soon,fail=1", "false", stdin=subprocess.PIPE)
        waits.process.stdin.write(b"1\n2\n")
        waits.process.stdin.flush()
        wait_until(lambda: not waits.runs(), "the end, though the input goes on")
        done = self.quern("map", "--halt", "now,success=1", "-k", "exit {}", ":::", "1", "0", "1")
        self.assertEqual(done.code, 0, done)

    def test_halt_with_one_job_starts_no_other_while_the_last_is_printed(self):
        for _ in range(5):
            (self.folder / "ran").write_text("")
            done = self.quern("map", "-j1", "--halt", "soon,fail=1", f"echo {{}} >> {self.folder}/ran; head -c 3000000 /dev/zero; exit 1", ":::", "0", "1", "2")
            self.assertEqual(len(done.raw), 3_000_000)
            self.assertEqual((self.folder / "ran").read_text(), "0\n")

    def test_a_joblog_can_be_resumed(self):
        log = self.folder / "log"
        command = "echo {#} {}; test {} != b"
        done = self.quern("map", "-k", "--joblog", log, command, ":::", "a", "b")
        self.assertEqual((done.code, done.out), (1, "1 a\n2 b\n"))
        rows = [line.split("\t") for line in log.read_text().splitlines()]
        self.assertEqual(rows[0], "Seq Host Starttime JobRuntime Send Receive Exitval Signal Command".split())
        self.assertEqual(sorted((row[0], row[6], row[8]) for row in rows[1:]), [("1", "0", "echo 1 a; test a != b"), ("2", "1", "echo 2 b; test b != b")])
        again = self.ok("map", "-k", "--joblog", log, "--resume", command, ":::", "a", "b", "c")
        self.assertEqual(again.out, "3 c\n")
        failed = self.quern("map", "-k", "--joblog", log, "--resume-failed", command, ":::", "a", "b", "c")
        self.assertEqual(failed.out, "2 b\n")
        if PARALLEL:  # GNU parallel can read our joblog
            code, out, err = self.other(PARALLEL, "-k", "--joblog", str(log), "--resume", "echo", "{#}", "{}", ":::", "a", "b", "c", "d")
            self.assertEqual((code, out), (0, b"4 d\n"), err)

    def test_the_results_folder_matches_that_of_gnu_parallel(self):
        self.ok("map", "--results", "ours", "echo {}; echo e{} >&2", ":::", "a/b", "c d")
        if not PARALLEL:
            return
        self.other(PARALLEL, "--results", "theirs", "echo {}; echo e{} >&2", ":::", "a/b", "c d")
        def tree(name):
            top = self.folder / name
            return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file() and path.name != "seq"}
        self.assertEqual(tree("ours"), tree("theirs"))

    def test_working_directory_and_environment_are_passed(self):
        self.assertEqual(self.ok("map", "pwd #", ":::", "a").out.strip(), str(self.folder))
        self.assertTrue(self.ok("map", "--cwd", "temp", "pwd; touch x #", ":::", "a").out.startswith("/"))
        done = self.ok("map", "--env", "GIVEN=1", "--env", "HERE", "echo $GIVEN $HERE $NOT_GIVEN #", ":::", "a", env={"HERE": "2", "NOT_GIVEN": "3"})
        self.assertEqual(done.out, "1 2\n")

    def test_name_and_requirements_are_passed_to_the_job(self):
        self.start_worker("north", "--allow-exec", "--label", "zone=north")
        done = self.ok("map", "--name", "survey", "--require", "zone=north", "--json", "true", ":::", "a", "b", "c")
        self.assertEqual(len(done.objects), 3)
        (job,) = [job for job in self.jobs() if job["name"] == "survey"]
        self.assertEqual([worker["worker"] for worker in self.job(job["job"])["workers"]], ["north"])

    def test_a_dry_run_prints_the_commands(self):
        self.assertEqual(self.ok("map", "--dry-run", "cp", "{}", "to", ":::", "a b", "c").out, "cp 'a b' to\ncp c to\n")

    def test_a_map_can_be_detached(self):
        number = self.ok("map", "--detach", "echo out {}; echo err >&2; exit {}", ":::", "0", "3").out.strip()
        self.assertEqual(self.quern("wait", number).code, 1)
        logs = self.ok("logs", number)
        self.assertEqual((logs.out, logs.err), ("out 0\nout 3\n", "err\nerr\n"))
        self.assertEqual(self.ok("logs", number, "--task", "1", "--stdout").out, "out 3\n")
        self.assertEqual([row["code"] for row in self.ok("logs", number, "--json").objects], [0, 3])
        self.assertEqual(self.quern("results", number).out, "out 0\nout 3\n")
        self.ok("retry", number)
        self.assertEqual(self.quern("wait", number).code, 1)
        self.assertEqual(self.ok("logs", number).out, "out 0\nout 3\n")

    # -- files
    # ----------------------------------------------------------------------------------------------------

    def test_files_travel_to_the_command_and_back(self):
        self.write("model", b"weights\0")
        script = self.write("run.sh", "#!/bin/sh\ncat model data/common; cat $1; echo made > $(basename $1).out; echo w >> model\n")
        script.chmod(0o755)
        (self.folder / "data").mkdir()
        self.write("data/common", "c ")
        self.write("in1", "one\n")
        self.write("in2", "two\n")
        done = self.ok("map", "-k", "--put", "model", "--put", "./run.sh", "--put", "data", "--put", "{}", "--get", "{/}.out", "--get", "none*",
                       "./run.sh", ":::", "in1", str(self.folder / "in2"))
        self.assertEqual(done.raw, b"weights\0c one\nweights\0c two\n", done)
        self.assertEqual((self.folder / "in1.out").read_text(), "made\n")
        self.assertEqual((self.folder / "in2.out").read_text(), "made\n")
        self.ok("run", "exec", "--get", "sub/*", "mkdir sub; echo x > sub/y")
        self.assertEqual((self.folder / "sub" / "y").read_text(), "x\n")

    def test_files_that_cannot_be_sent_are_reported(self):
        self.assert_one_line(self.quern("map", "--put", "none", "echo"), 2, "none")
        self.assert_one_line(self.quern("map", "--put", "/", "echo"), 2, "--put /")
        self.assert_one_line(self.quern("map", "--put", "x", "--cwd", "/", "echo"), 2, "--cwd temp")
        self.write("huge", b"")
        os.truncate(self.folder / "huge", 70 << 20)
        done = self.quern("map", "--put", "{}", "true", ":::", "huge")
        self.assertIn("60 MiB", done.err)
        outside = self.quern("map", "--get", "../*", "true #", ":::", "a")
        self.assert_one_line(outside, 2, "../*", "below the command's folder")
        linked = self.ok("map", "--get", "link", "ln -s /etc/passwd link #", ":::", "a")
        self.assertFalse((self.folder / "link").exists(), linked)

    # -- streams
    # --------------------------------------------------------------------------------------------------

    def test_loop_passes_lines_through_one_program(self):
        text = "".join(f"line {i}\n" for i in range(50_000)).encode()
        self.assertEqual(self.ok("map", "-k", "--loop", "cat", stdin=text).raw, text)
        self.assertEqual(self.ok("map", "-k", "--loop", "sed", "s/line/row/", stdin=text).raw, text.replace(b"line", b"row"))
        self.assertEqual(self.ok("map", "-k", "--loop", "tr a-z A-Z", stdin=b"a\n\nb\n").out, "A\n\nB\n")
        wait_until(lambda: not marked_processes("cat", folder=self.folder) and not marked_processes("sed", folder=self.folder), "the end of the programs")

    def test_loop_starts_one_program_per_slot(self):
        done = self.ok("map", "--loop", "while read -r x; do echo $$; done", stdin=b"x\n" * 3000)
        self.assertLessEqual(len(set(done.lines)), 2)

    def test_loop_restarts_a_program_that_died(self):
        done = self.quern("map", "-k", "--loop", "while read -r x; do [ $x = bad ] && exit 5; echo $x; done", stdin=b"a\nbad\nb\n")
        self.assertEqual((done.code, done.out), (1, "a\nb\n"), done)
        self.assertIn("exit code 5", done.err)

    def test_pipe_and_reduce_work_on_blocks(self):
        text = "".join(f"{i}\n" for i in range(100_000)).encode()
        done = self.ok("map", "--pipe", "--block", "20k", "wc -l", stdin=text)
        self.assertGreater(len(done.lines), 10)
        self.assertEqual(sum(map(int, done.lines)), 100_000)
        merged = self.ok("map", "--pipe", "--block", "2k", "--reduce", "awk '{n += $1} END {print n}'", "--", "wc", "-l", stdin=text)
        self.assertEqual(merged.out, "100000\n")
        self.assertEqual(self.ok("map", "-k", "--pipe", "--block", "7k", "cat", stdin=text).raw, text)
        self.assertEqual(self.ok("map", "--pipe", "--reduce", "awk '{n += $1} END {print n}'", "--", "wc", "-l").out, "0\n")
        failed = self.quern("map", "--pipe", "--reduce", "exit 3", "--", "wc", "-l", stdin=b"a\n")
        self.assertEqual(failed.code, 1, failed)

    def test_a_map_ends_when_its_reader_goes_away(self):
        map_ = self.quern_start("map", "yes {} | head -c 100000", ":::", *map(str, range(2000)))
        map_.process.stdout.read(10)
        map_.process.stdout.close()
        map_.process.wait(timeout=60)
        self.assertEqual(map_.process.returncode, -signal.SIGPIPE)
        self.assertLess(self.jobs()[-1]["done"], 1900, "the rest was cancelled, not waited for")
        wait_until(lambda: not marked_processes("yes", folder=self.folder), "the end of the commands")

    # -- mistakes
    # -------------------------------------------------------------------------------------------------

    def test_mistakes_are_reported(self):
        self.assert_one_line(self.quern("map", "--pipe"), 2, "command is missing", "quern map --help")
        self.assert_one_line(self.quern("map", "echo", "::::", "none"), 2, "none", "No such file")
        self.assert_one_line(self.quern("map", "--kep", "x"), 2, "--kep")
        self.assert_one_line(self.quern("map", "-a", "none", "echo"), 2, "none", "No such file")
        self.assert_one_line(self.quern("map", "--env", "NOT_HERE", "echo"), 2, "NOT_HERE")
        done = self.quern("map", "echo", stdin=b"a\nb\0c\n")
        self.assertIn("-0", done.err)
        self.assertEqual(done.code, 2, done)

    def test_help_has_examples(self):
        self.assertIn("examples:", self.ok("map", "--help").out)


class NobodyRunsPrograms(Rig):
    def test_a_worker_that_does_not_allow_programs_says_how_to_allow_them(self):
        self.start_broker()
        self.start_worker("w")
        map_ = self.quern_start("map", "echo", ":::", "a")
        wait_until(lambda: "--allow-exec" in map_.err, "advice")
        map_.send(signal.SIGINT)
        self.assertEqual(map_.finish().code, 130)


if __name__ == "__main__":
    unittest.main()
