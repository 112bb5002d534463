"""Jobs that take results of others, and graphs of commands: with real processes that are killed."""

import os
import random
import signal
import unittest

from rig import Rig, wait_until


class Edges(Rig):
    store = "store"

    def setUp(self):
        super().setUp()
        self.start_broker()

    def test_results_of_one_job_are_the_items_of_the_next(self):
        self.start_worker("w")
        first = self.submit("echo", "--items", self.write("items", "a\nb\nc\n"))
        self.assertEqual(self.ok("run", "echo", "--from", first).lines, ["a", "b", "c"])
        pairs = self.ok("run", "echo", "--from", first, "--pattern", "group=2,2", "--json").objects
        self.assertEqual([task["result"] for task in pairs if "result" in task], ["ab", "c"])
        self.assertEqual(self.ok("run", "echo", "--from", first, "--pattern", "all").out, "abc\n")

    def test_a_pipeline_waits_for_its_first_job(self):
        first = self.submit("echo", "--items", self.write("items", "a\nb\n"))
        second = self.submit("echo", "--from", first)
        third = self.submit("echo", "--input", "x", "--after", second)
        job = self.job(second)
        self.assertEqual((job["blocked"], job["edges"]), (2, [{"job": first, "pattern": "each"}]))
        self.assertEqual(self.job(first)["consumers"], [second])
        self.assertIn(f"it starts after job {second}", self.ok("explain", third).out)
        self.start_worker("w")
        self.ok("wait", third)
        self.assertEqual(self.ok("results", second).lines, ["a", "b"])

    def test_a_failure_names_the_culprit_and_a_retry_revives_what_waited(self):
        flag = self.folder / "mended"
        self.start_worker("w", "--allow-exec")
        command = f"if test {{}} = 2; then test -e {flag} || exit 1; fi; echo {{}}"
        first = int(self.ok("map", "--detach", "--", command, ":::", "1", "2", "3").out)
        second = self.submit("echo", "--from", first)
        self.assertNotEqual(self.quern("wait", second).code, 0)
        failed = self.quern("results", second, "--failed", "--json").objects
        self.assertEqual(failed[0]["code"], "upstream_failed", failed)
        self.assertIn(f"task 1 of job {first}", failed[0]["error"])
        self.assert_one_line(self.quern("retry", second), 1, "need results of tasks that failed")
        flag.touch()
        self.ok("retry", first)
        self.ok("wait", first, second)
        self.assertEqual(self.job(second)["done"], 3)

    def test_a_tree_is_cancelled_as_one(self):
        first = self.submit("echo", "--items", self.write("items", "a\n"))
        second = self.submit("echo", "--from", first)
        third = self.submit("echo", "--input", "x", "--after", second)
        self.assertIn("3 tasks of it and of the jobs that depend on it", self.ok("cancel", first, "--tree", "--dry-run").out)
        self.ok("cancel", first, "--tree")
        self.assertEqual([self.job(number)["state"] for number in (first, second, third)], ["cancelled"] * 3)

    def test_bad_edges_are_refused(self):
        self.assert_one_line(self.quern("run", "echo", "--from", 99), 1, "job 99 is unknown")
        self.assert_one_line(self.quern("run", "echo", "--from", 1, "--range", "1:2"), 2, "exclude each other")
        self.assert_one_line(self.quern("run", "echo", "--from", 1, "--pattern", "group=0"), 2, "--pattern takes")
        self.assert_one_line(self.quern("run", "echo", "--input", "x", "--pattern", "all"), 2, "requires --from")
        self.assert_one_line(self.quern("run", "echo", "--input", "x", "--after", "one"), 2, "one")

    def test_a_chain_goes_on_after_the_broker_was_killed(self):
        worker = self.start_worker("w")
        number = self.submit("echo", "--items", self.write("items", "".join(f"{i}\n" for i in range(2000))))
        chain = [number]
        for _ in range(20):
            chain.append(self.submit("echo", "--from", chain[-1], "--intermediate"))
        last = self.submit("echo", "--from", chain[-1])
        wait_until(lambda: self.job(chain[3])["done"] > 0, "the chain has begun")
        self.broker.kill()
        self.start_broker(bind=self.endpoint)
        wait_until(lambda: self.job(chain[8])["done"] > 0, "the chain goes on")
        worker.kill()
        self.start_worker("another")
        self.ok("wait", last)
        self.assertEqual(self.ok("results", last).lines, [str(i) for i in range(2000)])


class Graphs(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w", "--allow-exec", slots=2)

    def test_only_what_failed_or_changed_runs_again(self):
        graph = self.write("g", f"a : echo a >> {self.folder}/ran\n"
                                f"b a : echo b >> {self.folder}/ran; test -e {self.folder}/ok\n"
                                f"c b : echo c >> {self.folder}/ran\n"
                                f"d a : echo d >> {self.folder}/ran\n")
        done = self.quern("graph", graph)
        self.assertEqual(done.code, 1)
        self.assertIn("b failed", done.err)
        self.assertIn("1 that need it were not run", done.err)
        ran = self.folder / "ran"
        self.assertEqual(sorted(ran.read_text().split()), ["a", "b", "d"])
        (self.folder / "ok").touch()
        ran.write_text("")
        self.ok("graph", graph)
        self.assertEqual(ran.read_text().split(), ["b", "c"])
        ran.write_text("")
        self.ok("graph", graph)
        self.assertEqual(ran.read_text(), "")
        graph.write_text(graph.read_text().replace("echo a", "echo  a"))
        self.assertEqual(len(self.ok("graph", graph, "--dry-run").lines), 4)
        self.ok("graph", graph)
        self.assertEqual(sorted(ran.read_text().split()), ["a", "b", "c", "d"])

    def test_files_that_are_no_graph_are_refused(self):
        for text, part in (("a : x\na : y\n", "is also in line 1"), ("a b : x\n", "which no line defines"),
                           ("a b : x\nb a : y\n", "a -> b -> a"), ("just words\n", "there is no `:`"),
                           ("a :\n", "the command of `a` is missing"), (" : x\n", "name before the `:`")):
            self.assert_one_line(self.quern("graph", self.write("bad", text)), 2, part)
        self.assert_one_line(self.quern("graph", self.folder / "absent"), 2, "cannot read")

    def test_what_a_line_can_look_like(self):
        graph = self.folder / "g"
        graph.write_bytes(b"\xef\xbb\xbf# path C:\\\r\na : echo \\\r\n  one\r\n\r\nb a : echo two\r\n")
        self.assertEqual(self.ok("graph", graph, "--dry-run").lines, ["a: echo   one", "b: echo two"])
        self.assertEqual(self.ok("graph", graph, "--dry-run", "--json").objects,
                         [{"name": "a", "command": "echo   one"}, {"name": "b", "command": "echo two"}])
        graph.write_bytes(b"a : echo a\0b; echo more\n")
        self.assert_one_line(self.quern("graph", graph), 2, "byte 0")
        for text in ("", "# nothing\n\n"):
            self.assert_one_line(self.quern("graph", self.write("empty", text)), 2, "has no commands")
        self.assert_one_line(self.quern("graph", self.folder), 2, "is a folder")
        cycle = "".join(f"n{i} n{(i + 1) % 1000} : x\n" for i in range(1000))
        done = self.quern("graph", self.write("cycle", cycle))
        self.assert_one_line(done, 2, "984 more")
        self.assertLess(len(done.err), 400)

    def test_notes_go_only_to_regular_files(self):
        graph = self.write("g", "a : true\n")
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        for log in (pipe, self.folder, "/dev/null"):
            self.assert_one_line(self.quern("graph", graph, "--log", log), 2, "not a regular file")
        self.assertTrue(pipe.is_fifo())
        real, link = self.folder / "real", self.folder / "link"
        link.symlink_to(real)
        self.ok("graph", graph, "--log", link)
        self.assertTrue(link.is_symlink())
        self.assertIn(" a\n", real.read_text())
        self.assert_one_line(self.quern("graph", graph, "--log", ""), 2, "--log needs")

    def test_one_graph_at_a_time_and_a_killed_one_is_ended(self):
        graph = self.write("g", f"a : sleep 60\nb : echo b >> {self.folder}/ran\nc b : echo c >> {self.folder}/ran\n")
        ran, done = self.folder / "ran", self.folder / "g.done"
        first = self.quern_start("graph", graph)
        wait_until(lambda: ran.exists() and ran.read_text() == "b\nc\n" and " c\n" in done.read_text(), "two of three are done")
        self.assert_one_line(self.quern("graph", graph), 2, "another `quern graph`")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        (job,) = self.jobs()
        graph.write_text(graph.read_text().replace("sleep 60", "true"))
        again = self.ok("graph", graph)
        self.assertIn("it is cancelled", again.err)
        self.assertEqual(ran.read_text(), "b\nc\n", "what had succeeded did not run again")
        self.assertEqual([one["state"] for one in self.jobs() if one["job"] == job["job"]], ["cancelled"])

    def test_random_graphs_give_what_python_gives(self):
        """Each command joins the files of what it needs; a reference makes the same files."""
        for seed in range(6):
            draw = random.Random(seed)
            place = self.folder / f"s{seed}"
            place.mkdir()
            expected, lines = {}, []
            for node in range(60):
                needs = sorted(draw.sample(range(node), min(node, draw.randrange(4))))
                own = draw.random() < 0.08
                fails = own or any(expected[need] is None for need in needs)
                text = f"{node}(" + "".join(expected[need] or "" for need in needs) + ")"
                expected[node] = None if fails else text[-200:]
                files = " ".join(f"{place}/{need}" for need in needs) or "/dev/null"
                command = "false" if own else f"printf '%s(%s)' {node} \"$(cat {files})\" | tail -c 200 > {place}/{node}"
                lines.append(" ".join([f"n{node}", *(f"n{need}" for need in needs)]) + f" : {command}")
            draw.shuffle(lines)
            done = self.quern("graph", self.write(f"g{seed}", "\n".join(lines) + "\n"))
            self.assertEqual(done.code, 1 if None in expected.values() else 0, done)
            for node, text in expected.items():
                file = place / str(node)
                self.assertEqual(file.read_text() if file.exists() else None, text, f"seed {seed}, node {node}")

    def test_an_interrupt_ends_the_graph_and_the_next_run_goes_on(self):
        graph = self.write("g", "a : true\nb a : sleep 60\nc b : true\n")
        running = self.quern_start("graph", graph)
        wait_until(lambda: " a\n" in (self.folder / "g.done").read_text() if (self.folder / "g.done").exists() else False,
                   "the first command is done")
        running.process.send_signal(signal.SIGINT)
        done = running.finish()
        self.assertEqual(done.code, 130, done)
        self.assertEqual(self.ok("graph", graph, "--dry-run").lines, ["b: sleep 60", "c: true"])


if __name__ == "__main__":
    unittest.main()
