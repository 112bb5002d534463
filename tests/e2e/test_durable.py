"""Durable jobs survive their broker: no task is lost, repeated or stuck."""

import collections
import os
import re
import resource
import signal
import sqlite3
import unittest

from rig import BIN, PATIENCE, Rig, SANITIZED, stop_gently, wait_until


class Durable(Rig):
    store = "store"

    def database(self):
        return sqlite3.connect(self.folder / "store" / "quern.db")

    def trace_items(self, count):
        path = self.folder / "trace"
        path.touch()
        return path, self.write("items", "".join(f"{path} {i}\n" for i in range(count)))

    def test_killing_the_broker_during_a_run_loses_nothing_and_reruns_nothing(self):
        self.start_broker()
        self.start_worker("one", slots=2)
        self.start_worker("two", slots=2)
        trace, items = self.trace_items(1200)
        run = self.quern_start("run", "slow_trace", "--items", items)
        for part in (1, 2):
            wait_until(lambda: len(trace.read_text().splitlines()) > part * 300, "some of the work")
            self.restart_broker()
        done = run.finish()
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.lines, [str(i) for i in range(1200)])
        runs = collections.Counter(trace.read_text().splitlines())
        self.assertEqual({name: n for name, n in runs.items() if n > 1}, {}, "what live workers held was run again")

    def test_a_detached_job_continues_after_a_restart_and_can_be_read_twice(self):
        self.start_broker()
        job = self.submit("echo", "--items", self.write("items", "a\nb\nc\n"))
        self.restart_broker()
        self.start_worker("w")
        self.ok("wait", job)
        for _ in range(2):
            self.assertEqual(self.ok("results", job).lines, ["a", "b", "c"])
            self.restart_broker()

    def test_a_reduced_job_survives_a_kill(self):
        self.start_broker()
        self.start_worker("w", "--cpu-share", "0.5")
        job = self.submit("primes", "--range", "1:20000000")
        wait_until(lambda: self.job(job)["done"] > 0, "some of the work")
        self.restart_broker()
        self.ok("wait", job)
        self.assertEqual(self.ok("results", job).out, "1270607\n")

    def test_a_rolling_restart_only_costs_time(self):
        self.start_broker()
        first = self.start_worker("first", slots=2)
        trace, items = self.trace_items(600)
        run = self.quern_start("run", "slow_trace", "--items", items)
        wait_until(lambda: trace.read_text(), "some of the work")
        self.restart_broker(number=signal.SIGTERM)
        self.start_worker("second", slots=2)
        self.assertEqual(stop_gently(first).code, 0, first.err)
        done = run.finish()
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.lines, [str(i) for i in range(600)])
        self.assertEqual(len(trace.read_text().splitlines()), 600)

    def test_an_idempotency_key_names_the_same_job_after_a_restart(self):
        self.start_broker()
        first = self.submit("echo", "--input", "once", "--unique", "nightly")
        self.restart_broker()
        self.assertEqual(self.submit("echo", "--input", "once", "--unique", "nightly"), first)
        self.start_worker("w")
        self.assertEqual(self.ok("run", "echo", "--input", "once", "--unique", "nightly").out, "once\n")

    def test_an_idempotency_key_returns_the_same_results_until_they_were_released(self):
        self.start_broker()
        self.start_worker("w")
        for _ in range(2):
            self.assertEqual(self.ok("run", "echo", "--input", "once", "--unique", "k").out, "once\n")
        self.ok("run", "echo", "--input", "read")
        self.assert_one_line(self.quern("results", self.jobs()[-1]["job"]), 1, "were read by its client")

    def test_job_numbers_are_never_reused(self):
        self.start_broker()
        numbers = []
        for durability in ("memory", "durable", "memory"):
            numbers.append(self.submit("echo", "--input", "x", "--durability", durability))
            self.restart_broker()
        self.assertEqual(sorted(set(numbers)), numbers)

    def test_a_memory_job_is_lost_with_its_broker_and_says_so(self):
        self.start_broker()
        run = self.quern_start("run", "echo", "--input", "x", "--durability", "memory")
        self.wait_for_job("echo")
        self.assertEqual(self.jobs()[-1]["durability"], "memory")
        self.restart_broker()
        done = run.finish()
        self.assertEqual(done.code, 1, done)
        self.assertIn("the job is lost", done.err)
        self.assertIn("not durable", done.err)

    def test_retry_reruns_only_the_failed_tasks(self):
        self.start_broker()
        self.start_worker("w")
        late, there = self.folder / "late", self.write("there", "")
        items = self.write("items", f"{there}\n{late}\n{there}\n{late}\n")
        job = self.submit("needs_file", "--items", items, "--retries", "0")
        self.assertEqual(self.quern("wait", job).code, 1)
        self.restart_broker()
        failed = self.quern("results", job, "--failed", "--json")
        self.assertEqual([result["index"] for result in failed.objects], [1, 3])
        self.assertIn("is not there", failed.objects[0]["error"])
        self.assertEqual(self.quern("retry", job).code, 0)
        self.assertEqual(self.quern("wait", job).code, 1, "the file is still not there")
        late.touch()
        self.ok("retry", job)
        self.restart_broker()
        self.ok("wait", job)
        self.assertEqual(self.ok("results", job).lines, ["found"] * 4)
        self.assert_one_line(self.quern("retry", job), 1, "no failed task")

    def test_two_brokers_cannot_share_a_store(self):
        self.start_broker()
        second = self.start([BIN / "quern-broker", "--bind", "tcp://127.0.0.1:0", "--store", self.folder / "store"]).finish()
        self.assert_one_line(second, 3, "in use by another broker", "--store")

    def test_the_store_can_be_read_with_the_sqlite_shell(self):
        self.start_broker()
        self.submit("echo", "--items", self.write("items", "a\nb\n"), "--name", "two letters")
        rows = self.database().execute("select number, function, name, state, total from jobs").fetchall()
        self.assertEqual(rows, [(1, "echo", "two letters", "waiting", 2)])

    def test_check_store_finds_damage(self):
        self.start_broker()
        self.submit("echo", "--input", "x")
        stop_gently(self.broker)
        check = [BIN / "quern-broker", "--store", self.folder / "store", "--check-store"]
        sound = self.start(check).finish()
        self.assertEqual(sound.code, 0, sound)
        self.assertIn("1 unfinished with 1 tasks", sound.out)
        with self.database() as database:
            database.execute("delete from inputs")
        broken = self.start(check).finish()
        self.assertEqual(broken.code, 1, broken)
        self.assertIn("input of tasks 0 to 0 is missing", broken.out)

    def test_commits_lost_with_the_end_of_the_log_are_reported(self):
        log, mark = self.folder / "store" / "quern.db-wal", self.folder / "store" / "last-commit"
        self.start_broker()
        kept = self.submit("echo", "--input", "kept")
        size = log.stat().st_size
        lost = [self.submit("echo", "--input", "lost") for _ in range(2)]
        self.broker.send(signal.SIGKILL)
        self.broker.finish()
        last = int(mark.read_text().split()[1])
        os.truncate(log, size + 100)  # and a partial frame
        check = self.start([BIN / "quern-broker", "--store", self.folder / "store", "--check-store"]).finish()
        self.assertEqual(check.code, 1, check)
        self.assertIn("problem: the store", check.out)
        self.start_broker(bind=self.endpoint)
        said = re.search(r"lost its last (\d+) commits: it should end with commit (\d+) of \S+, and ends with commit (\d+) of ", self.broker.err)
        self.assertTrue(said, self.broker.err)
        commits, should, stands = map(int, said.groups())
        self.assertGreaterEqual(commits, 2)
        self.assertEqual((should, stands), (last, last - commits))
        self.assertEqual([job["job"] for job in self.jobs()], [kept])
        self.assertGreater(self.submit("echo", "--input", "new"), max(lost), "a number that was lost is not given again")
        self.restart_broker()
        self.assertNotIn("lost", self.broker.err, "it is said once, and a killed broker loses nothing")
        self.assertEqual(len(self.jobs()), 2)

    def test_a_store_of_a_newer_version_is_refused(self):
        self.start_broker()
        stop_gently(self.broker)
        with self.database() as database:
            database.execute("pragma user_version = 99")
        done = self.start([BIN / "quern-broker", "--bind", self.endpoint, "--store", self.folder / "store"]).finish()
        self.assert_one_line(done, 3, "newer version of Quern")

    def test_a_full_disk_refuses_durable_work_and_the_rest_continues(self):
        self.start_broker()
        self.start_worker("w")
        before = self.submit("echo", "--input", "kept")
        self.ok("wait", before)
        # A limit on the file size simulates a full disk.
        resource.prlimit(self.broker.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        refused = self.quern("run", "echo", "--input", "x")
        self.assertEqual(refused.code, 1, refused)
        self.assertIn("store cannot write", refused.err)
        self.assertEqual(self.ok("run", "echo", "--input", "x", "--durability", "memory").out, "x\n")
        resource.prlimit(self.broker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: self.quern("run", "echo", "--input", "again").out == "again\n", "the disk's recovery")
        self.restart_broker()
        self.assertEqual(self.ok("results", before).out, "kept\n")

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is its own")
    def test_queued_work_over_the_memory_limit_is_moved_to_the_store(self):
        self.start_broker("--memory-limit", "64M")
        count, item = 3_000_000, "x" * 39  # 128 MB of payloads
        items = self.write("items", (item + "\n") * count)
        job = self.submit("echo", "--items", items, patience=10 * PATIENCE)
        self.assertEqual(self.job(job)["total"], count)
        with open(f"/proc/{self.broker.pid}/statm") as statm:
            resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self.assertLess(resident, 100 << 20)
        self.start_worker("w")
        done = self.quern("results", job, "--follow", patience=10 * PATIENCE)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(len(done.raw), count * 40)
        self.assertEqual(done.raw.count(b"\n"), count)


if __name__ == "__main__":
    unittest.main()
