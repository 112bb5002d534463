"""A worker with forged reports: the client writes nothing outside its folder, and the broker keeps
working.
"""

import os
import pathlib
import stat
import sys
import threading
import unittest

import msgpack
from rig import BIN, Rig, Running, stop_gently, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
from quern_client import ProtocolError, Refused, Worker, indices, pack_batch  # noqa: E402


def result_with(*files, **fields):
    """A CommandResult; a file is a name or (name, mode)."""
    pairs = [(file, 0o644) if isinstance(file, (str, bytes)) else file for file in files]
    return msgpack.packb({"code": 0, "host": "evil", "started_s": 1.0, "ran_s": 0.1, "number": 1, "arguments": [b"a"],
                          "files": [[name.encode() if isinstance(name, str) else name, mode, b"forged"] for name, mode in pairs], **fields})


class Forger(Worker):
    """Offers `exec`, and answers each lease with the fields of REPORT and the parts that `forge`
    returns.
    """

    def __init__(self, endpoint, keys, forge):
        super().__init__(endpoint, {}, "evil", keys=keys)
        self.forge = forge
        self.reports = 0
        self.answers = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def __enter__(self):
        self.hello(role="worker", name="evil", worker={"functions": [{"name": "exec", "encoding": "value"}], "capacity": {"slots": 1}})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.bye()
        self.socket.close(linger=10_000)  # otherwise the broker would wait for it

    def work(self):
        while not self.stop.is_set():
            try:
                message = self.receive(0.1)
            except TimeoutError:
                continue
            except ProtocolError:
                return
            self.answers.append(message.name)
            if message.name == "LEASE":
                self.run(message)

    def run(self, lease):
        fields, parts = self.forge(lease)
        self.send("REPORT", {"id": [*lease["lease"], 0], "last": True, "busy_us": 1, **fields}, parts)
        self.reports += 1


def honest(result):
    """A report with this result for each task of the lease."""
    def forge(lease):
        tasks = indices(lease["tasks"])
        count, parts = pack_batch([result] * len(tasks))
        return {"tasks": lease["tasks"], "count": count}, parts
    return forge


class HostileWorker(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.home = self.folder / "area" / "home"  # where the client runs
        self.other = self.folder / "area" / "other"
        self.home.mkdir(parents=True)
        self.other.mkdir()
        (self.other / "kept").write_text("kept")
        (self.home / "link").symlink_to("../other")
        (self.home / "alias").symlink_to("../other/kept")

    def tearDown(self):
        """Checks that nothing was written outside and that the broker works for others."""
        self.assertEqual(sorted(path.name for path in (self.folder / "area").iterdir()), ["home", "other"])
        self.assertEqual({path.name: path.read_text() for path in self.other.iterdir()}, {"kept": "kept"})
        self.assertTrue(self.broker.runs(), self.broker.err)
        self.start_worker("honest", "--allow-exec")
        self.assertEqual(self.ok("map", "echo", ":::", "a").out, "a\n")

    def map_start(self, *words):
        client = Running([BIN / "quern", "map", *words, "true", ":::", "a"], self.env, folder=self.home)
        self.addCleanup(client.kill)
        return client

    def forger(self, forge):
        return Forger(self.endpoint, self.folder / "quern", forge)

    def written(self):
        return {path.name for path in self.home.iterdir()} - {"link", "alias"} - {path.name for path in self.home.glob("*.log")}

    def map_with(self, result, pattern="*"):
        with self.forger(honest(result)):
            return self.map_start("--get", pattern).finish()

    def test_file_names_cannot_leave_the_folder(self):
        absolute = str(self.folder / "area" / "escaped")
        for name in ("../escaped", absolute, "a/../../escaped", "..", ".", "", "./escaped", "a//escaped", "good/", "good\0x", b"\xff/../../escaped"):
            with self.subTest(name):
                done = self.map_with(result_with("good", name))
                self.assertNotEqual(done.code, 0, done)
                self.assertIn("the name of a file points outside its folder", done.err)
                self.assertEqual(self.written(), set())

    def test_unrequested_files_are_not_written(self):
        for name in ("unasked", "a/b", ".hidden", "wanted.\n"):
            with self.subTest(name):
                done = self.map_with(result_with("wanted", name), "wanted")
                self.assertNotEqual(done.code, 0, done)
                self.assertIn("sent a file that --get does not name", done.err)
                self.assertEqual(self.written(), set())

    def test_nothing_is_written_through_a_linked_folder(self):
        done = self.map_with(result_with("link/escaped"), "link/*")
        self.assertNotEqual(done.code, 0, done)
        self.assertIn("link is a link, and received files are not written through links", done.err)

    def test_nothing_is_written_through_a_linked_file(self):
        done = self.map_with(result_with("alias"))
        self.assertEqual(done.code, 0, done)
        self.assertFalse((self.home / "alias").is_symlink(), "the link was replaced, not followed")
        self.assertEqual((self.home / "alias").read_text(), "forged")

    def test_duplicate_file_names_are_refused(self):
        done = self.map_with(result_with("twice", "twice"))
        self.assertNotEqual(done.code, 0, done)
        self.assertIn("two files have the same name: twice", done.err)
        self.assertEqual(self.written(), set())

    def test_file_modes_are_limited(self):
        for mode, type_of in ((0o6777, stat.S_ISREG), (0o120777, stat.S_ISREG), (0o1777, stat.S_ISREG), (0o0, stat.S_ISREG)):
            with self.subTest(oct(mode)):
                done = self.map_with(result_with(("file", mode)))
                self.assertEqual(done.code, 0, done)
                found = (self.home / "file").lstat().st_mode
                self.assertTrue(type_of(found))
                umask = os.umask(0)
                os.umask(umask)
                self.assertEqual(stat.S_IMODE(found), (0o777 if mode & 0o111 else 0o666) & ~umask)
                (self.home / "file").unlink()
        done = self.map_with(result_with(("folder", 0o40755)))
        self.assertNotEqual(done.code, 0, done)
        self.assertEqual(self.written(), set())

    def test_malformed_results_are_errors(self):
        good = result_with("file")
        for result in (b"", b"\xc1", good[:-1], b"\xdf\xff\xff\xff\xff", b"\x81\xa5files\xdd\xff\xff\xff\xff", b"\x91" * 100_000,
                       msgpack.packb({"code": 1 << 40}), msgpack.packb({"code": "0"}), msgpack.packb({"files": [["x"]]}),
                       msgpack.packb({"files": [["x", -1, b""]]})):
            with self.subTest(result[:20]):
                done = self.map_with(result)
                self.assertNotEqual(done.code, 0, done)
                self.assertTrue(done.err, "an error is said")
                self.assertEqual(self.written(), set())

    def test_host_names_cannot_control_the_terminal(self):
        done = self.map_with(result_with("unasked", host="\x1b[2Jevil\nquern: all is well"), "wanted")
        self.assertNotEqual(done.code, 0, done)
        self.assertNotIn("\x1b", done.err)
        self.assertEqual(len(done.err.splitlines()), 1, done)

    def test_reports_of_tasks_outside_the_lease_are_refused(self):
        result = result_with("file")
        count, parts = pack_batch([result])
        errors = lambda **error: ({"errors": [error]}, [])
        forged = {
            "another task": lambda lease: ({"tasks": [7, 8], "count": count}, parts),
            "the end of the numbers": lambda lease: ({"tasks": [2**64 - 2, 2**64 - 1], "count": count}, parts),
            "all tasks": lambda lease: ({"tasks": [0, 2**63], "count": count}, parts),
            "a backward interval": lambda lease: ({"tasks": [1, 0], "count": count}, parts),
            "half an interval": lambda lease: ({"tasks": [0], "count": count}, parts),
            "a huge count": lambda lease: ({"tasks": lease["tasks"], "count": 2**63}, parts),
            "a count of none": lambda lease: ({"tasks": lease["tasks"], "count": 0}, []),
            "sizes beyond the bytes": lambda lease: ({"tasks": lease["tasks"], "count": 1}, [b"\xff\xff\xff\xff", result]),
            "one part": lambda lease: ({"tasks": lease["tasks"], "count": 1}, [result]),
            "an error of all": lambda lease: errors(first=0, count=2**64 - 1, text="all"),
            "an error of another": lambda lease: errors(first=9, text="another"),
            "written by another": lambda lease: ({"errors": [{"first": 0, "text": "x"}], "written": [5, 6], "count": count}, parts),
            "another lease": lambda lease: ({"id": [lease["lease"][0], lease["lease"][1] + 1000, 0], "tasks": [0, 1], "count": count}, parts),
            "a later part": lambda lease: ({"id": [*lease["lease"], 2**32 - 1], "tasks": [0, 1], "count": count}, parts),
            "a fold": lambda lease: ({"partial": True, "tasks": lease["tasks"], "count": count}, parts),
        }
        for name, forge in forged.items():
            with self.subTest(name):
                with self.forger(forge) as evil:
                    client = self.map_start("--retries", "3", "--get", "file", "--json")
                    wait_until(lambda: evil.reports > 0, "the forged report")
                    wait_until(lambda: len(evil.answers) > 1 or not evil.thread.is_alive(), "the broker's answer")
                honest_one = self.start_worker("honest-" + name.replace(" ", "-"), "--allow-exec")
                done = client.finish()
                self.assertIn(done.code, (0, 1), done)
                self.assertEqual(self.written(), set(), "nothing of the forged report counted")
                self.assertTrue(self.broker.runs(), self.broker.err)
                stop_gently(honest_one)


if __name__ == "__main__":
    unittest.main()
