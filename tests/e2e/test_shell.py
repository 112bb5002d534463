"""What shell users expect of `quern map` and `quern run exec`: input, output, files, folders, and
clear messages.
"""

import array
import fcntl
import os
import pty
import stat
import subprocess
import termios
import unittest

from rig import BIN, Rig, wait_until


def waiting_bytes(pipe):
    """The number of unread bytes in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


class Shell(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w", "--allow-exec", slots=2)

    def sh(self, script, **options):
        """Runs a line of shell in the folder of the test."""
        env = {**self.env, "PATH": f"{BIN}:{os.environ['PATH']}"}
        return subprocess.run(["bash", "-c", script], env=env, cwd=self.folder, capture_output=True, timeout=120, **options)

    # -- loops
    # ----------------------------------------------------------------------------------------------------

    def test_a_surplus_line_is_never_taken_for_an_answer(self):
        for script in ('while read x; do echo "answer to $x"; sleep 0.01; echo debug; done', 'read x; echo a; echo b', "yes debug"):
            for _ in range(5):
                done = self.quern("map", "-k", "--loop", script, stdin=b"1\n2\n3\n4\n")
                self.assertEqual(done.code, 1, (script, done))
                self.assertNotIn("debug", done.out, script)
                self.assertIn("must answer each item with one line", done.err, script)

    def test_a_loop_that_answers_every_line_gets_no_warning(self):
        for script in ("while read x; do echo $x; done", "cat", "while read x; do echo $x; echo note >&2; done"):
            done = self.ok("map", "-k", "--loop", script, stdin=b"1\n2\n3\n4\n")
            self.assertEqual(done.lines, ["1", "2", "3", "4"], script)

    def test_a_loop_that_buffers_its_answers_is_reported(self):
        self.write("hoard", "#!/bin/sh\nall=\nwhile read x; do all=$all$x; done\necho $all\n").chmod(0o755)
        running = self.quern_start("map", "--loop", "./hoard", ":::", "1", "2")
        wait_until(lambda: "stdbuf -oL" in running.err, "advice on a program that keeps its output back")
        self.assertTrue(running.runs())

    # -- standard input
    # -------------------------------------------------------------------------------------------

    def test_standard_input_reaches_a_command(self):
        self.assertEqual(self.ok("run", "exec", "--", "cat", stdin=b"hello\n").out, "hello\n")
        self.assertEqual(self.ok("run", "exec", "--", "wc", "-c", stdin=b"").out.strip(), "0")
        self.assertEqual(self.ok("run", "exec", "--stdin", "/dev/null", "--", "cat", stdin=b"not this").out, "")

    def test_standard_input_of_any_size_reaches_a_command(self):
        done = self.sh("head -c 70000000 /dev/zero | quern run exec -- wc -c; head -c 3000000 /dev/zero > f; quern run exec -- wc -c < f; "
                       "(head -c 1000000 >/dev/null; quern run exec -- wc -c) < f; quern run exec --stdin f -- wc -c")
        self.assertEqual(done.stdout.split(), [b"70000000", b"3000000", b"2000000", b"3000000"], done)

    def test_an_idle_standard_input_is_reported(self):
        running = self.quern_start("run", "exec", "--", "echo", "x", stdin=subprocess.PIPE)
        wait_until(lambda: "</dev/null" in running.err, "a word on what is waited for")
        running.process.stdin.close()
        running.process.stdin = None
        self.assertEqual(running.finish().out, "x\n")

    # -- standard output
    # ------------------------------------------------------------------------------------------

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_a_full_device_is_an_error_in_every_command(self):
        job = self.ok("map", "--detach", "echo", ":::", "a").out.strip()
        self.ok("wait", job)
        for words in (f"logs {job}", "jobs", "jobs --json", f"job {job}", "workers", "workers --json", f"explain {job}", f"results {job}",
                      "map --detach echo ::: a", "map echo ::: a", "run sum --range 1:3", "run exec -- echo x", "help", "map --help", "--version",
                      "top --once", f"wait {job}", "completion bash", "map --dry-run echo ::: a"):
            done = self.sh(f"quern {words} >/dev/full </dev/null")
            self.assertIn(done.returncode, (1, 125), (words, done))
            self.assertIn(b"No space left", done.stderr, words)

    def test_a_non_blocking_output_loses_nothing(self):
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        quern = subprocess.Popen([BIN / "quern", "map", "-k", "seq {} 200000", ":::", "1", "1"], env=self.env, cwd=self.folder, stdout=writing,
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        os.close(writing)
        wait_until(lambda: waiting_bytes(reading) >= 60_000, "the pipe to be full")
        with os.fdopen(reading, "rb") as pipe:
            out = pipe.read()
        self.assertEqual(quern.wait(), 0, quern.stderr.read())
        quern.stderr.close()
        self.assertEqual(len(out.split()), 400_000)

    def test_output_over_the_limit_keeps_its_beginning_and_its_end(self):
        done = self.quern("map", "echo begin; yes | head -c 70000000; echo end {}", ":::", "1")
        self.assertEqual(done.code, 1)
        self.assertTrue(done.raw.startswith(b"begin\n") and done.raw.endswith(b"end 1\n"))
        self.assertRegex(done.err, r"\d+ bytes of its standard output after the first \d+ were dropped")

    # -- terminals
    # ------------------------------------------------------------------------------------------------

    def on_a_terminal(self, *words, **env):
        """Everything that a command shows when both outputs are one terminal."""
        master, slave = pty.openpty()
        quern = subprocess.Popen([BIN / "quern", *words], env={**self.env, "TERM": "xterm", **env}, cwd=self.folder, stdin=subprocess.DEVNULL,
                                 stdout=slave, stderr=slave)
        os.close(slave)
        out = b""
        try:
            while piece := os.read(master, 65536):
                out += piece
        except OSError:
            pass
        os.close(master)
        self.assertEqual(quern.wait(), 0, out)
        return out.decode()

    def test_results_and_the_progress_line_share_a_terminal(self):
        shown = self.on_a_terminal("map", "-k", "-j1", "sleep 0.4; echo out{}", ":::", "1", "2", "3")
        for line in ("out1", "out2", "out3"):
            self.assertRegex(shown, rf"(^|\n|\x1b\[K){line}\r\n", shown)
        self.assertNotIn("0 workers", shown)

    def test_no_escapes_on_a_dumb_terminal_or_with_no_color(self):
        for env in ({"TERM": "dumb"}, {"NO_COLOR": "1"}):
            shown = self.on_a_terminal("map", "-k", "sleep 0.5; echo {}", ":::", "1", **env)
            self.assertEqual(shown, "1\r\n", env)

    # -- files
    # ----------------------------------------------------------------------------------------------------

    def test_file_names_with_pattern_characters_are_returned(self):
        names = ["a[1]", "back\\slash", "star*", "q?", "plain"]
        for name in names:
            self.write(name + ".in", name)
        self.ok("map", "--put", "{}", "--get", "{.}.out", "--", "cp {} {.}.out", ":::", *(name + ".in" for name in names))
        for name in names:
            self.assertEqual((self.folder / (name + ".out")).read_text(), name)

    def test_a_get_that_matches_nothing_is_reported(self):
        done = self.ok("map", "--get", "{}.out", "true {}", ":::", "a")
        self.assertIn("--get a.out: command 1 created no such file", done.err)
        self.assertIn("--get x: the command created no such file", self.ok("run", "exec", "--get", "x", "--", "true").err)

    def test_put_follows_links_and_keeps_empty_folders(self):
        place = self.folder / "p"
        (place / "sub").mkdir(parents=True)
        (place / "empty").mkdir()
        (place / "f").write_text("x\n")
        (place / "sub" / "g").write_text("y\n")
        (place / "rel").symlink_to("f")
        (place / "abs").symlink_to(place / "f")
        (place / "dir").symlink_to("sub")
        done = self.ok("map", "--put", "p", "cat p/rel p/abs p/dir/g; [ -d p/empty ] && echo empty; : {}", ":::", "1")
        self.assertEqual(done.lines, ["x", "x", "y", "empty"])

    def test_put_of_something_that_is_not_a_file_is_refused_by_name(self):
        os.mkfifo(self.folder / "fifo")
        (self.folder / "broken").symlink_to("nowhere")
        for name in ("fifo", "broken", "/dev/zero", "none"):
            done = self.quern("map", "--put", name, "true {}", ":::", "1")
            self.assert_one_line(done, 2, name)

    def test_the_umask_of_the_client_applies_to_commands_and_files(self):
        done = self.sh("umask 077; quern map 'umask; echo x > made{}' ::: 1 && quern map --get got{} 'echo x > got{}; chmod 777 got{}' ::: 1")
        self.assertEqual(done.stdout, b"0077\n", done)
        for name, mode in (("made1", 0o600), ("got1", 0o700)):
            self.assertEqual(stat.S_IMODE((self.folder / name).stat().st_mode), mode, name)

    # -- folders
    # --------------------------------------------------------------------------------------------------

    def test_a_folder_missing_on_the_worker_is_an_error_that_names_it(self):
        for words in (("map", "--cwd", "/surely/not", "echo", ":::", "a"), ("map", "--loop", "--cwd", "/surely/not", "cat", ":::", "a")):
            done = self.quern(*words)
            self.assertEqual(done.code, 1, done)
            self.assertIn("/surely/not", done.err)
            self.assertIn("--cwd temp", done.err)

    def test_the_current_folder_is_not_replaced_by_another(self):
        gone = self.folder / "gone"
        gone.mkdir()
        running = subprocess.Popen(["sh", "-c", f"rmdir {gone}; exec {BIN}/quern map pwd ::: a"], env=self.env, cwd=gone, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        out, err = running.communicate(timeout=60)
        self.assertEqual((running.returncode, out), (2, b""), err)
        self.assertIn(b"no longer exists", err)

    def test_a_relative_folder_is_relative_to_the_client(self):
        (self.folder / "sub").mkdir()
        self.assertEqual(self.ok("run", "exec", "--cwd", "sub", "--", "pwd").out.strip(), str(self.folder / "sub"))

    # -- the command line
    # -----------------------------------------------------------------------------------------

    def test_the_joblog_and_dry_run_can_be_pasted(self):
        self.ok("map", "--joblog", "log", "echo", ":::", "a b")
        self.assertTrue((self.folder / "log").read_text().endswith("\techo 'a b'\n"))
        line = self.ok("map", "--dry-run", "echo {} | wc -c", ":::", "a b;c").out
        self.assertEqual(self.sh(line).stdout.strip(), b"6")

    def test_resume_runs_only_an_inserted_line(self):
        words = ("map", "-k", "--joblog", "log", "--resume", "echo ran {}")
        self.assertEqual(self.ok(*words, stdin=b"a\nb\n").lines, ["ran a", "ran b"])
        done = self.ok(*words, stdin=b"a\nnew\nb\n")
        self.assertEqual(done.lines, ["ran new"])
        self.assertIn("echo ran new", done.err)
        self.assertEqual(self.ok(*words, stdin=b"a\nnew\nb\n").lines, [])

    def test_syntax_of_gnu_parallel_works_or_is_refused_by_name(self):
        self.assertEqual(self.ok("map", "-k", "echo", ":::", "A", "B", ":::+", "F", "G").lines, ["A F", "B G"])
        self.assertEqual(self.ok("map", "echo", "{-1}", "{1}", ":::", "A", ":::", "C").lines, ["C A"])
        for word in ("{%}", "{= s:a:b: =}", "{+/}", "{..}"):
            self.assert_one_line(self.quern("map", "echo", word, ":::", "A"), 2, word)
        for jobs in ("+1", "50%", "-1", "0"):
            self.assertEqual(sorted(self.ok("map", "-j", jobs, "echo", ":::", "a", "b").lines), ["a", "b"], jobs)

    def test_numbers_out_of_range_are_refused(self):
        for words in ("map --weight 1e308 true", "map --timeout 1e300 true", "map --retries -1 true", "map -n 0 true", "map -j 99999999999 true",
                      "map --priority 99999999999 true", "jobs --limit -1", "jobs --limit 99999999999", "logs 1 --task -1", "run sum --range 1:2 --cost -1",
                      "run sum --range 1:2 --cost inf", "top --interval 0", "job 0", "wait 18446744073709551616", "map --memory 1e99 true",
                      "up --workers -1", "up --slots 0", "run sum --range 1:2 --timeout nan"):
            done = self.quern(*words.split(), stdin=b"x\n")
            self.assert_one_line(done, 2)

    # -- the rest
    # -------------------------------------------------------------------------------------------------

    def test_echo_of_a_range_returns_numbers(self):
        self.assertEqual(self.ok("run", "echo", "--range", "300:302").lines, ["300", "301"])
        job = self.submit("echo", "--range", "300:302")
        self.ok("wait", job)
        self.assertEqual(self.ok("results", job).lines, ["300", "301"])

    def test_without_a_home_the_error_names_the_key_folder(self):
        env = {name: text for name, text in self.env.items() if name not in ("HOME", "XDG_CONFIG_HOME")}
        done = subprocess.run([BIN / "quern", "jobs"], env={**env, "QUERN_BROKER": "tcp://127.0.0.1:1"}, cwd=self.folder, capture_output=True)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn(b"HOME is not set", done.stderr)

    def test_a_job_named_twice_is_waited_for_once(self):
        job = self.ok("map", "--detach", "echo", ":::", "a").out.strip()
        self.assertEqual(self.ok("wait", job, job).lines, [f"job {job} done"])

    def test_results_of_commands_are_printed_as_text(self):
        job = self.ok("map", "--detach", "echo", ":::", "a").out.strip()
        self.ok("wait", job)
        self.assertEqual([one["stdout"] for one in self.ok("results", job, "--json").objects], ["a\n"])

    def test_a_nested_map_explains_why_it_waits(self):
        outer = self.quern_start("map", "--env", "PATH", "--env", "QUERN_BROKER", "--env", "XDG_CONFIG_HOME", f"{BIN}/quern map echo ::: {{}}", ":::", "1", "2", "3", "4")
        # The output of a command is shown at its end, and these do not end, so the job is queried.
        wait_until(lambda: len(self.jobs()) >= 3, "the inner jobs")
        env = {"QUERN_TASK": "0"}
        inner = subprocess.Popen([BIN / "quern", "map", "echo", ":::", "x"], env={**self.env, **env}, cwd=self.folder, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        line = inner.stderr.readline().decode()
        while line and "by a command of another job" not in line:
            line = inner.stderr.readline().decode()
        inner.kill()
        inner.wait()
        inner.stderr.close()
        self.assertIn("-j", line)
        outer.kill()


if __name__ == "__main__":
    unittest.main()
