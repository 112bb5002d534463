"""The programs as processes: signals, process 1, descriptors, endpoints, numbers on the command
line.
"""

import json
import os
import pathlib
import resource
import signal
import subprocess
import time
import unittest

from rig import BIN, Rig, wait_until


def may_unshare():
    done = subprocess.run(["unshare", "-p", "-f", "--mount-proc", "true"], capture_output=True)
    return done.returncode == 0


def children_of(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Signals(Rig):
    def start_exec_worker(self, *before):
        worker = self.start([*before, BIN / "quern-worker", "--name", "w", "--slots", 1, "--allow-exec"])
        wait_until(lambda: "w" in self.worker_names(), "the worker")
        return worker

    def test_sigterm_lets_a_worker_finish_its_command(self):
        self.start_broker()
        worker = self.start_exec_worker()
        client = self.quern_start("map", "echo start >>ran; until [ -e go ]; do sleep 0.05; done; echo {}", ":::", "a")
        ran = self.folder / "ran"
        wait_until(ran.exists, "the start of the command")
        worker.send(signal.SIGTERM)
        wait_until(lambda: self.workers()[0]["state"] == "draining", "the worker to drain")
        (self.folder / "go").touch()
        done = client.finish()
        self.assertEqual((done.code, done.out), (0, "a\n"), done)
        self.assertEqual(worker.finish().code, 0, worker.err)
        self.assertEqual(ran.read_text(), "start\n")

    def first_in_a_namespace(self, *words):
        """Starts a program as process 1. Returns its process id outside."""
        outer = self.start(["unshare", "-p", "-f", "--mount-proc", "--kill-child", *words])
        return outer, wait_until(lambda: children_of(outer.pid), "the program")[0]

    @unittest.skipUnless(may_unshare(), "this machine lets nobody make a namespace of processes")
    def test_process_1_drains_on_sigterm(self):
        self.start_broker()
        for options in ((), ("--allow-exec",), ("--isolation", "process")):
            outer, pid = self.first_in_a_namespace(BIN / "quern-worker", "--name", "one", "--slots", 1, *options)
            wait_until(lambda: "one" in self.worker_names(), "the worker")
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(outer.finish().code, 0, (options, outer.err))

    @unittest.skipUnless(may_unshare(), "this machine lets nobody make a namespace of processes")
    def test_process_1_reaps_orphans_and_stops(self):
        outer, pid = self.first_in_a_namespace(BIN / "quern-broker", "--no-store", "--bind", "tcp://127.0.0.1:0")
        self.assertTrue(outer.line().startswith("ready "), outer.err)
        # An orphan inside the container.
        subprocess.run(["nsenter", "-t", str(pid), "-p", "sh", "-c", "(sleep 0.2 &)"], check=True)
        wait_until(lambda: children_of(pid), "the orphan")
        wait_until(lambda: not children_of(pid), "the orphan's end to be taken")
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(outer.finish().code, 0, outer.err)

    @unittest.skipUnless(may_unshare(), "this machine lets nobody make a namespace of processes")
    def test_quern_up_as_process_1_reaps_orphans_and_stops(self):
        outer, pid = self.first_in_a_namespace(BIN / "quern", "up", "--bind", "tcp://127.0.0.1:0", "--workers", "1", "--no-http", "--json")
        self.env["QUERN_BROKER"] = json.loads(outer.line())["broker"]
        wait_until(lambda: self.worker_names(), "the worker")
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
        subprocess.run(["nsenter", "-t", str(pid), "-p", "sh", "-c", "(sleep 0.2 &)"], check=True)
        wait_until(lambda: len(children_of(pid)) == 3, "the orphan")
        wait_until(lambda: len(children_of(pid)) == 2, "the orphan's end to be taken")
        own = children_of(pid)
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(outer.finish().code, 0, outer.err)
        self.assertFalse([child for child in own if pathlib.Path(f"/proc/{child}").exists()])

    @unittest.skipUnless(may_unshare(), "this machine lets nobody make a namespace of processes")
    def test_a_second_sigterm_ends_process_1_at_once(self):
        self.start_broker()
        outer, pid = self.first_in_a_namespace(BIN / "quern-worker", "--name", "one", "--slots", 1, "--allow-exec")
        wait_until(lambda: "one" in self.worker_names(), "the worker")
        self.quern_start("map", ": {}; touch ran; sleep 1000", ":::", "a")
        wait_until((self.folder / "ran").exists, "the start of the command")
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: (self.workers() or self.fail(outer.err))[0]["state"] == "draining", "the worker to drain")
        os.kill(pid, signal.SIGTERM)
        begin = time.monotonic()
        outer.finish()
        self.assertLess(time.monotonic() - begin, 20)


class Descriptors(Rig):
    def test_closed_standard_descriptors_are_not_reused_for_files(self):
        self.store = "store"
        words = " ".join(["exec", str(BIN / "quern-broker"), "--bind", "ipc://broker.sock", "--store", "store", ">&- 2>&- <&-"])
        broker = self.start(["sh", "-c", words])
        self.env["QUERN_BROKER"] = f"ipc://{self.folder}/broker.sock"
        wait_until(lambda: self.quern("workers").code == 0, "the broker")
        for fd in range(3):
            self.assertEqual(os.readlink(f"/proc/{broker.pid}/fd/{fd}"), "/dev/null")
        worker = self.start(["sh", "-c", f"exec {BIN}/quern-worker --slots 1 --name w <&- >&- 2>&-"])
        wait_until(lambda: "w" in self.worker_names(), "the worker")
        self.assertEqual(os.readlink(f"/proc/{worker.pid}/fd/2"), "/dev/null")

    def test_a_low_descriptor_limit_fails_no_task(self):
        self.start_broker()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.start(["sh", "-c", f"ulimit -Sn 256; exec {BIN}/quern-worker --name soft --slots 60 --allow-exec"])
        wait_until(lambda: "soft" in self.worker_names(), "the worker")
        self.assertEqual(self.workers()[0]["slots"], 60 if hard > 1100 else self.workers()[0]["slots"])
        done = self.ok("map", "echo {}", stdin="".join(f"{i}\n" for i in range(200)).encode())
        self.assertEqual(len(done.lines), 200)

    def test_a_hard_limit_caps_the_slots_and_says_so(self):
        self.start_broker()
        worker = self.start(["sh", "-c", f"ulimit -n 256; exec {BIN}/quern-worker --name hard --slots 100 --allow-exec"])
        wait_until(lambda: "hard" in self.worker_names(), "the worker")
        self.assertEqual(self.workers()[0]["slots"], 12)
        self.assertIn("12 of 100 slots", worker.err)


class Endpoints(Rig):
    def test_endpoints_may_be_ipv6_addresses_and_names(self):
        for bind, shown in (("tcp://[::1]:0", "tcp://[::1]:"), ("tcp://localhost:0", "tcp://127.0.0.1:")):
            broker = self.start_broker(bind=bind)
            self.assertTrue(self.endpoint.startswith(shown), self.endpoint)
            worker = self.start_worker("w")
            self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
            worker.kill()
            broker.kill()

    def test_an_unknown_host_name_is_an_error(self):
        broker = self.start([BIN / "quern-broker", "--no-store", "--bind", "tcp://no-such-host.invalid:7600"]).finish()
        self.assertEqual(broker.code, 2, broker)
        self.assertIn("no-such-host.invalid is no address", broker.err)

    def test_an_ipv6_address_needs_brackets(self):
        broker = self.start([BIN / "quern-broker", "--no-store", "--bind", "tcp://::1:7600"]).finish()
        self.assert_one_line(broker, 2, "tcp://[::1]:7600")


class Numbers(Rig):
    def test_numbers_of_the_command_line_have_ranges(self):
        broker, worker = BIN / "quern-broker", BIN / "quern-worker"
        for words in (
            [broker, "--keep", "9999999999"], [broker, "--keep", "nan"], [broker, "--keep", "-1"], [broker, "--grace", "1e300"],
            [broker, "--lost-after", "0"], [broker, "--lost-after", "1e18"], [broker, "--memory-limit", "-1"],
            [broker, "--memory-limit", "99999999999G"], [broker, "--memory-limit", "1G2"], [broker, "--memory-limit", "1M"],
            [worker, "--slots", "0"], [worker, "--slots", "1e9"], [worker, "--drain-timeout", "1e300"], [worker, "--cpu-share", "1e-300"],
            [worker, "--resource", "gpu=1e300"], [worker, "--resource", "gpu=nan"], [worker, "--slot-memory", "1e300G", "--allow-exec"],
        ):
            done = self.start(words).finish()
            with self.subTest(words[1:]):
                self.assert_one_line(done, 2, words[1])

    def test_the_largest_allowed_numbers_work(self):
        self.start_broker("--keep", "1000000000", "--grace", "1000000000")
        self.start_worker("w", "--drain-timeout", "1000000000")
        number = self.submit("sum", "--range", "1:5")
        self.ok("wait", number)
        self.assertEqual(self.job(number)["state"], "done")


class Store(Rig):
    def test_an_existing_folder_keeps_its_mode(self):
        open_to_all, own = self.folder / "all", self.folder / "own"
        open_to_all.mkdir()
        open_to_all.chmod(0o1777)
        own.mkdir(0o755)
        done = self.start([BIN / "quern-broker", "--bind", "tcp://127.0.0.1:0", "--store", open_to_all]).finish()
        self.assert_one_line(done, 3, "everyone may write", "/all/quern")
        self.assertEqual(open_to_all.stat().st_mode & 0o7777, 0o1777)
        self.store = "own"
        self.start_broker()
        self.assertEqual(own.stat().st_mode & 0o7777, 0o755)
        for file in own.iterdir():
            self.assertEqual(file.stat().st_mode & 0o077, 0, file)

    def test_removed_store_files_make_durable_work_fail(self):
        self.store = "store"
        self.start_broker()
        self.submit("echo", "--input", "a")
        for file in (self.folder / "store").iterdir():
            file.unlink()
        done = self.quern("run", "echo", "--input", "b", "--detach", "--durability", "durable")
        self.assertNotEqual(done.code, 0, done)
        self.assertIn("removed", done.err)
        # The broker also reports it in its log without a request.
        wait_until(lambda: "removed or replaced" in self.broker.err, "a word in the log")


if __name__ == "__main__":
    unittest.main()
