"""`quern up` runs a broker and workers in the foreground and leaves nothing behind."""

import json
import os
import pathlib
import signal
import socket
import unittest
import urllib.request

from rig import Rig, wait_until


def alive(pid):
    """A zombie counts as dead, because in a container orphans may not be reaped."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Up(Rig):
    def start_up(self, *options, http=("--no-http",)):
        up = self.quern_start("up", "--bind", "tcp://127.0.0.1:0", "--json", *http, *options)
        line = up.line()
        self.assertTrue(line, up.err)
        said = json.loads(line)
        self.env["QUERN_BROKER"] = said["broker"]
        return up, said

    def test_quern_up_runs_work_and_ends_in_order(self):
        up, said = self.start_up("--workers", "2", "--slots", "1")
        self.assertEqual(said["workers"], 2)
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
        wait_until(lambda: len(self.worker_names()) == 2, "two workers")
        children = children_of(up.pid)
        self.assertEqual(len(children), 3)
        up.send(signal.SIGINT)
        done = up.finish()
        self.assertEqual(done.code, 0, done)
        self.assertFalse(any(alive(child) for child in children))

    def test_killing_quern_up_leaves_nothing_behind(self):
        up, _ = self.start_up("--workers", "2")
        wait_until(lambda: len(children_of(up.pid)) == 3, "the start of all")
        children = children_of(up.pid)
        up.send(signal.SIGKILL)
        up.process.wait()
        wait_until(lambda: not any(alive(child) for child in children), "the end of all children")

    def test_quern_up_ends_when_the_broker_ends(self):
        up, said = self.start_up()
        children = children_of(up.pid)
        os.kill(said["broker_pid"], signal.SIGKILL)
        done = up.finish()
        self.assertEqual(done.code, 1, done)
        self.assertIn("the broker ended", done.err)
        self.assertFalse(any(alive(child) for child in children))

    def test_quern_up_says_how_to_use_it(self):
        up = self.quern_start("up", "--bind", "tcp://127.0.0.1:0", "--http", "127.0.0.1:0")
        wait_until(lambda: "Ctrl-C" in up.err, "the introduction")
        self.assertIn("quern run sum --range 1:101", up.err)
        self.assertIn("/add_task", up.err)
        up.send(signal.SIGTERM)
        self.assertEqual(up.finish().code, 0)

    def test_quern_up_serves_http(self):
        for _ in range(2):  # the second time, the key of the seed is there already
            up, said = self.start_up(http=("--http", "127.0.0.1:0"))
            added = urllib.request.urlopen(f"{said['http']}/add_task", data=b'{"task": 100}')
            self.assertEqual(json.load(added), {"status": "success", "message": "Task added."})
            with urllib.request.urlopen(f"{said['http']}/get_result") as result:
                self.assertEqual(json.load(result), {"status": "success", "result": 5050})
            children = children_of(up.pid)
            self.assertEqual(len(children), 3)
            up.send(signal.SIGTERM)
            self.assertEqual(up.finish().code, 0)
            self.assertFalse(any(alive(child) for child in children))

    def test_http_at_an_address_in_use_is_an_error_only_if_it_was_chosen(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = self.quern("up", "--bind", "tcp://127.0.0.1:0", "--http", f"127.0.0.1:{port}")
        self.assertEqual(done.code, 2, done)
        self.assertIn("in use", done.err)


if __name__ == "__main__":
    unittest.main()
