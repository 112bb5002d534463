"""Files are sent by hash: once to the broker, once to each worker, complete or not at all."""

import hashlib
import os
import random
import signal
import subprocess
import unittest

from rig import BIN, PLUGIN, Rig, SLOWNESS, resident_bytes, wait_until


class Files(Rig):
    def setUp(self):
        super().setUp()
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.env["TMPDIR"] = str(self.temporary)
        self.start_broker()

    def large(self, name="large.bin", size=3 << 20, seed=1):
        block = random.Random(seed).randbytes(1 << 20)
        return self.write(name, (block * (size // len(block) + 1))[:size])

    def hash_of(self, path):
        return hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()

    def cached(self):
        """The files in the caches of workers, by name."""
        return {path.name: path.stat() for path in self.temporary.glob("quern-worker-*/blobs/*")}

    def digest_words(self, name):
        return ("--put", name, "--", "sha256sum", name.name)


class OneWorker(Files):
    def setUp(self):
        super().setUp()
        self.worker = self.start_worker("w", "--allow-exec", slots=2)

    def expect_digest(self, done, path):
        self.assertEqual(done.out.split()[0], hashlib.sha256(path.read_bytes()).hexdigest(), done)

    def test_a_large_file_arrives_complete(self):
        path = self.large(size=(100 << 20) // (4 if SLOWNESS > 1 else 1) + 17)
        self.expect_digest(self.ok("run", "exec", *self.digest_words(path)), path)

    def test_the_next_job_finds_the_file_cached(self):
        path = self.large()
        self.expect_digest(self.ok("run", "exec", *self.digest_words(path)), path)
        (name, before), = self.cached().items()
        self.assertEqual(name, self.hash_of(path))
        other = self.write("other name.bin", path.read_bytes())
        self.expect_digest(self.ok("run", "exec", *self.digest_words(other)), other)
        self.assertEqual(self.cached()[name].st_ino, before.st_ino)
        self.assertEqual(self.ok("jobs", "--json").out.count("quern.blob"), 0)

    def test_every_command_of_a_map_gets_the_file_with_its_mode(self):
        script = self.write("tool.sh", b"#!/bin/sh\necho tool $1\n" + b"# filler\n" * 20_000)
        script.chmod(0o755)
        done = self.ok("map", "-k", "--put", script, "--", "./tool.sh", ":::", "a", "b", "c")
        self.assertEqual(done.out, "tool a\ntool b\ntool c\n")

    def test_a_folder_of_small_and_large_files_arrives_complete(self):
        folder = self.folder / "data"
        folder.mkdir()
        (folder / "small").write_text("small\n")
        self.large("data/large")
        done = self.ok("run", "exec", "--put", "data", "--", "cat data/small; wc -c < data/large")
        self.assertEqual(done.out, f"small\n{3 << 20}\n")

    def test_a_file_that_a_program_changed_is_never_used_again(self):
        path = self.large()
        self.ok("run", "exec", *self.digest_words(path))
        cached = next(self.temporary.glob("quern-worker-*/blobs/*"))
        cached.chmod(0o600)
        cached.write_bytes(b"poison")
        done = self.quern("run", "exec", *self.digest_words(path))
        self.assertEqual(done.code, 125, done)
        self.assertIn("was changed", done.err)
        self.expect_digest(self.ok("run", "exec", *self.digest_words(path)), path)  # it was fetched again

    def test_a_missing_cached_file_is_fetched_again(self):
        path = self.large()
        self.ok("run", "exec", *self.digest_words(path))
        next(self.temporary.glob("quern-worker-*/blobs/*")).unlink()
        self.assertIn("is missing", self.quern("run", "exec", *self.digest_words(path)).err)
        self.expect_digest(self.ok("run", "exec", *self.digest_words(path)), path)

    def test_an_upload_interrupted_by_ctrl_c_can_be_repeated(self):
        path = self.large(size=300 << 20)
        sending = self.quern_start("run", "exec", *self.digest_words(path))
        wait_until(lambda: self.ok("jobs", "--json") and self.broker_memory() > 20 << 20 or not sending.runs(), "the first part of the file")
        sending.send(signal.SIGINT)
        self.assertEqual(sending.finish().code, 130)
        self.expect_digest(self.ok("run", "exec", *self.digest_words(path)), path)

    def broker_memory(self):
        return resident_bytes(self.broker.pid)

    def test_a_killed_worker_leaves_no_files_behind(self):
        path = self.large()
        self.ok("run", "exec", *self.digest_words(path))
        self.worker.kill()
        wait_until(lambda: not list(self.temporary.glob("quern-worker-*")), "the end of the worker's folder")

    def test_blobs_work_with_blocks_and_a_reducer(self):
        words = self.write("words.awk", "{n += $1} END {print n}\n" + "# filler\n" * 20_000)
        done = self.ok("map", "--pipe", "--block", "16", "--put", words, "--reduce", "awk -f words.awk", "--", "wc -l", stdin=b"x\n" * 100)
        self.assertEqual(done.out.strip(), "100")

    def test_a_missing_file_is_an_error(self):
        self.assert_one_line(self.quern("run", "exec", "--put", "absent", "--", "true"), 125, "absent")

    def test_a_dry_run_sends_nothing(self):
        path = self.large()
        self.assertEqual(self.ok("map", "--dry-run", "--put", path, "--", "cat", ":::", "a").out, "cat a\n")
        self.assertEqual(self.cached(), {})


class Plugins(Files):
    """A function that no worker has without the plugin."""

    def setUp(self):
        super().setUp()
        self.start([BIN / "quern-worker", "--name", "plain", "--allow-exec", "--slots", "2"])
        wait_until(lambda: "plain" in self.worker_names(), "the worker")

    def test_a_plugin_runs_on_the_worker_that_received_it(self):
        done = self.ok("run", "same", "--load", PLUGIN, "--items", "-", stdin=b"1\n22\n-3\n")
        self.assertEqual(done.out, "1\n22\n-3\n")
        self.assertEqual(self.job(self.wait_for_job("filter")["job"])["name"], "same")

    def test_an_exception_in_a_plugin_is_the_error_of_its_task(self):
        done = self.quern("run", "same", "--load", PLUGIN, "--retries", "0", "--items", "-", stdin=b"1\nno number\n3\n")
        self.assertEqual(done.code, 1)
        self.assertEqual(done.out, "1\n3\n")
        self.assertIn("not JSON", done.err)

    def test_a_missing_function_of_a_plugin_is_an_error(self):
        done = self.quern("run", "absent", "--load", PLUGIN, "--retries", "0", "--input", "x")
        self.assertEqual(done.code, 1)
        self.assertIn("no function absent", done.err)
        self.assertIn("same", done.err)

    def test_a_file_that_is_not_a_plugin_is_an_error(self):
        text = self.write("text.so", "hello\n")
        done = self.quern("run", "f", "--load", text, "--retries", "0", "--input", "x")
        self.assertEqual(done.code, 1)
        self.assertIn("text.so", done.err)
        self.assert_one_line(self.quern("run", "f", "--load", text, "--range", "1:3"), 2, "--range")
        self.assert_one_line(self.quern("run", "f", "--load", "absent.so", "--input", "x"), 2, "absent.so")

    def test_a_filter_sent_with_put_runs(self):
        script = self.write("up.sh", "#!/bin/sh\nwhile read -r line; do echo \"<$line>\"; done\n")
        script.chmod(0o755)
        self.assertEqual(self.ok("map", "-k", "--loop", "--put", script, "--", "./up.sh", stdin=b"a\nb\n").out, "<a>\n<b>\n")


class TwoWorkers(Files):
    def test_each_worker_fetches_a_file_once(self):
        for name in ("left", "right"):
            self.start_worker(name, "--allow-exec")
        path = self.large()
        done = self.ok("map", "--put", path, "--", f"sha256sum {path.name}; sleep 0.2; : {{}}", ":::", *"abcdef")
        self.assertEqual(set(done.out.split()[::2]), {hashlib.sha256(path.read_bytes()).hexdigest()})
        self.assertEqual(len(list(self.temporary.glob(f"quern-worker-*/blobs/{self.hash_of(path)}"))), 2)

    def test_a_worker_killed_during_a_fetch_loses_no_task(self):
        path = self.large(size=40 << 20)
        first = self.start_worker("first", "--allow-exec")
        run = self.quern_start("run", "exec", *self.digest_words(path))
        wait_until(lambda: list(self.temporary.glob("quern-worker-*/blobs/*")) or not run.runs(), "the beginning of the file")
        first.kill()
        self.start_worker("second", "--allow-exec")
        done = run.finish()
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.out.split()[0], hashlib.sha256(path.read_bytes()).hexdigest())


class AFullDisk(Files):
    def setUp(self):
        super().setUp()
        small = self.folder / "small"
        small.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], capture_output=True).returncode != 0:
            self.skipTest("a small file system can be mounted by root only")
        self.addCleanup(subprocess.run, ["umount", "-l", small])
        self.env["TMPDIR"] = str(small)

    def test_a_full_disk_fails_the_task_with_a_reason_and_the_worker_continues(self):
        worker = self.start_worker("w", "--allow-exec")
        path = self.large()
        done = self.quern("run", "exec", *self.digest_words(path))
        self.assertEqual(done.code, 125, done)
        self.assertIn("No space left on device", done.err)
        self.assertTrue(worker.runs())
        self.assertEqual(self.ok("run", "exec", "--", "echo", "goes on").out, "goes on\n")


class Durable(Files):
    store = "store"

    def test_a_detached_job_finds_its_file_after_a_restart(self):
        path = self.large()
        number = self.ok("run", "exec", "--detach", *self.digest_words(path)).out.strip()
        self.restart_broker()
        path_digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.unlink()
        self.start_worker("w", "--allow-exec")
        self.ok("wait", number)
        self.assertEqual(self.ok("logs", number).out.split()[0], path_digest)

    def test_a_file_may_be_larger_than_the_memory_of_the_broker(self):
        self.broker.kill()
        self.start_broker("--memory-limit", "64MiB")
        self.start_worker("w", "--allow-exec")
        path = self.large(size=96 << 20)
        done = self.ok("run", "exec", *self.digest_words(path))
        self.assertEqual(done.out.split()[0], hashlib.sha256(path.read_bytes()).hexdigest())


class InMemory(Files):
    broker_options = ("--memory-limit", "64MiB")

    def test_a_file_that_does_not_fit_is_an_error_with_advice(self):
        self.start_worker("w", "--allow-exec")
        done = self.quern("run", "exec", *self.digest_words(self.large(size=40 << 20)))
        self.assertEqual(done.code, 125, done)
        self.assertIn("--memory-limit", done.err)


if __name__ == "__main__":
    unittest.main()
