"""Bad input is answered with one clear line and the right exit code."""

import os
import socket
import unittest

from rig import BIN, SLOWNESS, Rig, wait_until

ITEM_LIMIT = 64 << 20


class NoBroker(Rig):
    def setUp(self):
        super().setUp()
        with socket.socket() as probe:  # a port without a listener
            probe.bind(("127.0.0.1", 0))
            self.env["QUERN_BROKER"] = f"tcp://127.0.0.1:{probe.getsockname()[1]}"

    def test_every_command_says_how_to_start_one_and_exits_3(self):
        for words in (("run", "sum", "--range", "1:101"), ("jobs",), ("workers",), ("wait", "1"), ("cancel", "1"), ("results", "1")):
            with self.subTest(words=words):
                done = self.quern(*words)
                self.assert_one_line(done, 3, "quern up")
                self.assertLess(done.seconds, 5 * SLOWNESS)

    def test_the_broker_option_overrides_the_environment(self):
        done = self.quern("jobs", "--broker", "tcp://127.0.0.1:1")
        self.assert_one_line(done, 3, "127.0.0.1:1")

    def test_mistakes_in_the_command_line_are_reported_before_a_broker_is_contacted(self):
        done = self.quern("run", "sum", "--range", "nonsense")
        self.assertEqual(done.code, 2, done)


class CommandLine(Rig):
    def test_mistakes_are_reported_on_one_line_and_exit_2(self):
        text = self.write("text", "x\n")
        cases = [
            (("run",), "function"),
            (("run", "sum"), "--range"),
            (("run", "sum", "extra", "--range", "1:2"), "extra"),
            (("run", "sum", "--range", "5"), "A:B"),
            (("run", "sum", "--range", "a:b"), "A:B"),
            (("run", "sum", "--range", "1:"), "A:B"),
            (("run", "sum", "--range", "2:1"), "ends before it begins"),
            (("run", "sum", "--range", "0:99999999999999999999"), "64 bits"),
            (("run", "echo", "--items", text, "--input", "x"), "exclude"),
            (("run", "echo", "--input", "x", "--retries", "-1"), "--retries"),
            (("run", "echo", "--input", "x", "--weight", "0"), "--weight"),
            (("run", "echo", "--input", "x", "--timeout", "nan"), "--timeout"),
            (("run", "echo", "--input", "x", "--priority", "high"), "priority"),
            (("run", "echo", "--input", "x", "--require", "room"), "KEY=VALUE"),
            (("run", "echo", "--input", "x", "--resource", "gpu=none"), "KEY=NUMBER"),
            (("run", "echo", "--input", "x", "--durability", "eternal"), "eternal"),
            (("run", "echo", "--inptu", "x"), "--input"),
            (("jobs", "--jsn"), "--json"),
            (("jobs", "--state", "asleep"), "waiting"),
            (("jobs", "--before", "yesterday"), "yesterday"),
            (("job",), "id"),
            (("job", "twelve"), "twelve"),
            (("wait", "12.5"), "12.5"),
            (("cancel", "0"), "'0'"),
            (("pause",), "id"),
            (("retry", "12", "--tasks", "5"), "A:B"),
            (("retry", "12", "--error", "bad luck"), "timeout"),
            (("cancel", "12.5", "--tasks", "0:5"), "not both"),
            (("results", "12", "--group"), "--failed"),
            (("resume", "12.5"), "12.5"),
            (("cancel", "12.x"), "12.x"),
            (("bench",), "throughput"),
            (("bench", "thruput"), "throughput"),
            (("bench", "throughput", "--store", "disk"), "durable"),
            (("bench", "throughput", "--encrypt", "maybe"), "off or on"),
            (("bench", "throughput", "--payload", "4"), "--payload"),
            (("up", "--slots", "0"), "--slots"),
            (("wrokers",), "workers"),
            (("no_such_command_at_all",), "quern help"),
        ]
        for words, part in cases:
            with self.subTest(words=words):
                self.assert_one_line(self.quern(*words), 2, part)

    def test_unreadable_files_are_named(self):
        secret = self.write("secret", "x\n")
        secret.chmod(0)
        cases = [(self.folder / "absent", "No such file"), (self.folder, "directory")]
        if os.geteuid() != 0:
            cases.append((secret, "denied"))
        for option in ("--items", "--lines", "--blocks"):
            for path, reason in cases:
                with self.subTest(option=option, path=path):
                    self.assert_one_line(self.quern("run", "echo", option, path), 2, str(path), reason)
        self.assert_one_line(self.quern("run", "echo", "--input", "x", "--common", self.folder / "absent"), 2, "absent")

    def test_a_port_that_does_not_exist_exits_2(self):
        for port in ("0", "65536", "99999"):
            endpoint = f"tcp://127.0.0.1:{port}"
            with self.subTest(port=port):
                self.assert_one_line(self.quern("jobs", "--broker", endpoint), 2, "65535")
                worker = self.start([BIN / "quern-worker", "--broker", endpoint])
                self.assert_one_line(worker.finish(), 2, "65535")
                if port != "0":  # any free port
                    broker = self.start([BIN / "quern-broker", "--bind", endpoint, "--no-store"])
                    self.assert_one_line(broker.finish(), 2, "65535")
                    self.assert_one_line(self.quern("up", "--bind", endpoint), 2, "65535")

    def test_help_and_version_exit_0(self):
        commands = ("up", "run", "jobs", "job", "wait", "results", "cancel", "explain", "workers", "drain", "bench")
        for words in ((), ("help",), ("--help",)):
            listed = self.ok(*words).out
            for command in commands:
                self.assertIn(f"\n  {command} ", listed)
        for command in commands:
            with self.subTest(command=command):
                text = self.ok(command, "--help").out
                self.assertIn("usage: quern " + command, text)
                self.assertIn("examples:", text)
                self.assertEqual(self.ok("help", command).out, text)
        self.assertRegex(self.ok("--version").out, r"^quern \d+\.\d+\.\d+\n$")


class WithABroker(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def test_a_port_in_use_exits_3(self):
        done = self.start([BIN / "quern-broker", "--bind", self.endpoint, "--no-store"]).finish()
        self.assert_one_line(done, 3, self.endpoint)
        self.assertEqual(done.out, "")
        self.assert_one_line(self.quern("up", "--bind", self.endpoint), 3, self.endpoint)

    def test_an_unknown_job_is_an_error(self):
        for command in ("job", "wait", "results", "cancel", "explain"):
            with self.subTest(command=command):
                done = self.quern(command, "999")
                self.assertEqual(done.code, 1, done)
                self.assertIn("999", done.err + done.out)

    def test_a_job_of_an_unknown_function_waits_and_names_the_nearest_one(self):
        self.start_worker("w")
        run = self.quern_start("run", "wordcuont", "--input", "a b a")
        wait_until(lambda: run.err, "the reason on stderr")
        self.assertIn("wordcuont", run.err)
        self.assertIn("wordcount", run.err)
        self.assertTrue(run.runs())
        number = self.wait_for_job("wordcuont")["job"]
        self.assertEqual(self.job(number)["state"], "waiting")
        self.assertIn("wordcount", self.job(number)["reason"])
        self.assertIn("wordcount", self.ok("explain", number).out)

    def test_a_job_with_an_unknown_reducer_waits_and_says_so(self):
        self.start_worker("w")
        run = self.quern_start("run", "wordcount", "--input", "a b a", "--reduce", "merge_cuonts")
        wait_until(lambda: "merge_cuonts" in run.err, "the reason on stderr")
        self.assertTrue(run.runs())

    def test_empty_input_is_done_at_once(self):
        self.start_worker("w")
        cases = [
            (("sum", "--range", "5:5"), "0\n"),
            (("echo", "--items", "-"), ""),
            (("echo", "--items", "-", "--reduce", "count"), "0\n"),
            (("echo", "--items", "-", "--reduce", "concat"), "\n"),
            (("same", "--items", "-", "--reduce", "sum"), "0\n"),
            (("same", "--items", "-", "--reduce", "min"), ""),
            (("same", "--range", "3:3", "--reduce", "max"), ""),
        ]
        for words, out in cases:
            with self.subTest(words=words):
                self.assertEqual(self.ok("run", *words).out, out)
        done = self.ok("run", "same", "--range", "3:3", "--reduce", "max", "--json").objects[0]
        self.assertIsNone(done["result"])
        self.assertEqual(done["state"], "done")

    def test_an_empty_item_is_an_item(self):
        self.start_worker("w")
        self.assertEqual(self.ok("run", "echo", "--items", "-", stdin=b"\n\na\n").out, "\n\na\n")

    def test_an_item_over_the_limit_is_an_error_that_names_the_limit(self):
        self.start_worker("w")
        large = self.write("large", b"x" * (ITEM_LIMIT + 1) + b"\n")
        done = self.quern("run", "echo", "--items", large)
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.err, rf"{ITEM_LIMIT}|64 MiB")
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")

    def test_input_that_the_function_cannot_take_is_an_error(self):
        self.start_worker("w")
        done = self.quern("run", "sum", "--items", "-", stdin=b"1\n2\n")
        self.assertEqual(done.code, 1, done)
        self.assertIn("range", done.err)
        done = self.quern("run", "same", "--input", "not a number", "--retries", "0")
        self.assertEqual(done.code, 1, done)
        self.assertNotEqual(done.err, "")


if __name__ == "__main__":
    unittest.main()
