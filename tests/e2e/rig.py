"""Real processes for tests: a broker on port 0, workers, and the `quern` command. Tests wait for conditions.

QUERN_BIN names the folder of the programs, QUERN_PLUGIN the library of test functions (functions.cpp here). QUERN_SLOWNESS
multiplies every patience (sanitizer builds).
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("QUERN_BIN", TOP / "build" / "release" / "bin"))
PLUGIN = os.environ.get("QUERN_PLUGIN", str(BIN.parent / "tests" / "libquern_test_functions.so"))
SLOWNESS = float(os.environ.get("QUERN_SLOWNESS", "1"))
PATIENCE = 30 * SLOWNESS
SANITIZED = bool(os.environ.get("QUERN_SANITIZE"))


def wait_until(condition, what, patience=PATIENCE):
    """The first true value of condition(); fails the test if there is none in time."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {patience:.0f} s")
        time.sleep(0.01)


class Finished:
    """The result of a command."""

    def __init__(self, code, out, err, seconds):
        self.code, self.raw, self.err, self.seconds = code, out, err, seconds

    @property
    def out(self):
        return self.raw.decode()

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def objects(self):
        return [json.loads(line) for line in self.lines]

    def __repr__(self):
        return f"exit {self.code}, stdout {self.raw[:500]!r}, stderr {self.err[:2000]!r}"


class Running:
    """A process that runs beside the test. Its stderr is collected in a file."""

    def __init__(self, words, env, stdin=subprocess.DEVNULL, folder=None):
        self.words = [str(word) for word in words]
        self.log = tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False)
        self.process = subprocess.Popen(self.words, env=env, stdin=stdin, stdout=subprocess.PIPE, stderr=self.log, cwd=folder)

    @property
    def pid(self):
        return self.process.pid

    @property
    def err(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def line(self):
        """The next line of its standard output."""
        return self.process.stdout.readline().decode().rstrip("\n")

    def send(self, number):
        self.process.send_signal(number)

    def runs(self):
        return self.process.poll() is None

    def finish(self, patience=PATIENCE):
        """Waits until it has ended."""
        start = time.monotonic()
        out, _ = self.process.communicate(timeout=patience)
        return Finished(self.process.returncode, out, self.err, time.monotonic() - start)

    def kill(self):
        if self.runs():
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream and not stream.closed:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass
        self.log.close()


class Rig(unittest.TestCase):
    """A test case with a folder and processes that end with the test. The broker starts when it is
    first needed.
    """

    broker_options = ()
    store = None  # the name of the store's folder, if jobs are durable
    maxDiff = 2000

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quern-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.env = {key: text for key, text in os.environ.items() if not key.startswith("QUERN_")}
        self.env.update(LC_ALL="C.UTF-8", XDG_CONFIG_HOME=str(self.folder), XDG_STATE_HOME=str(self.folder))
        self.brokers = 0
        self.broker = None

    # -- processes
    # ------------------------------------------------------------------------------------------------

    def start(self, words, **options):
        running = Running(words, self.env, folder=self.folder, **options)
        self.addCleanup(running.kill)
        return running

    def start_broker(self, *options, bind="tcp://127.0.0.1:0"):
        """Starts a broker that everything started later uses."""
        store = ["--no-store"] if self.store is None else ["--store", self.folder / self.store]
        broker = self.start([BIN / "quern-broker", "--bind", bind, *store, *self.broker_options, *options])
        ready = broker.line()
        self.assertTrue(ready.startswith("ready "), f"{ready!r}; {broker.err}")
        self.broker = broker
        self.endpoint = ready.split(" ", 1)[1]
        self.env["QUERN_BROKER"] = self.endpoint
        return broker

    def restart_broker(self, *options, number=signal.SIGKILL):
        """Ends the broker with a signal and restarts it on the same endpoint with the same store.
        """
        self.broker.send(number)
        self.broker.finish()
        return self.start_broker(*options, bind=self.endpoint)

    def start_worker(self, name, *options, slots=1, wait=True):
        """Starts a worker that also offers the test functions; returns once the broker knows it."""
        words = [BIN / "quern-worker", "--name", name, "--slots", slots, "--load", PLUGIN, *options]
        worker = self.start(words)
        if wait:
            wait_until(lambda: name in self.worker_names() or not worker.runs(), f"the arrival of worker {name}")
            self.assertTrue(worker.runs(), worker.err)
        return worker

    def quern_start(self, *words, stdin=subprocess.DEVNULL):
        return self.start([BIN / "quern", *words], stdin=stdin)

    def quern(self, *words, stdin=b"", patience=4 * PATIENCE, env=None):
        """Runs a command to its end."""
        start = time.monotonic()
        done = subprocess.run([str(word) for word in (BIN / "quern", *words)], env={**self.env, **(env or {})}, input=stdin,
                              capture_output=True, timeout=patience, cwd=self.folder)
        return Finished(done.returncode, done.stdout, done.stderr.decode(errors="replace"), time.monotonic() - start)

    # -- questions
    # ------------------------------------------------------------------------------------------------

    def ok(self, *words, **options):
        """The same, but the command must succeed."""
        done = self.quern(*words, **options)
        self.assertEqual(done.code, 0, done)
        return done

    def workers(self):
        return self.ok("workers", "--json").objects

    def worker_names(self):
        return [worker["worker"] for worker in self.workers() if worker["state"] != "lost"]

    def jobs(self):
        return self.ok("jobs", "--json").objects

    def job(self, number):
        return self.ok("job", number, "--json").objects[0]

    def wait_for_job(self, function):
        """Waits for a job of that function and returns the newest one."""
        return wait_until(lambda: [job for job in self.jobs() if job["function"] == function], f"a job of {function}")[-1]

    def submit(self, *words, **options):
        """Submits a detached job and returns its number."""
        return int(self.ok("run", *words, "--detach", **options).out)

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    # -- claims
    # ---------------------------------------------------------------------------------------------------

    def assert_one_line(self, done, code, *parts):
        """Checks the exit code and that stderr is exactly one line with all of these texts."""
        self.assertEqual(done.code, code, done)
        self.assertEqual(len(done.err.splitlines()), 1, done)
        for part in parts:
            self.assertIn(part, done.err)


def stop_gently(running):
    """Sends SIGTERM and waits for the end."""
    running.send(signal.SIGTERM)
    return running.finish()


def resident_bytes(pid, field="VmRSS"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field} of process {pid}")
