"""Open jobs: `quern run --open`, `quern append`, `quern close`."""

import unittest

from rig import Rig, wait_until


class Append(Rig):
    store = "store"

    def setUp(self):
        super().setUp()
        self.start_broker()

    def open_job(self):
        return int(self.ok("run", "echo", "--open").out)

    def test_items_are_added_until_the_job_is_closed(self):
        self.start_worker("w")
        job = self.open_job()
        self.assertEqual(self.ok("append", job, "one", "two").out, f"job {job} has 2 items, and takes more\n")
        wait_until(lambda: self.job(job)["done"] == 2, "the first items are done before the job is closed")
        text = self.ok("explain", job).out
        self.assertIn(f"quern close {job}", text)
        self.ok("append", job, "--items", "-", stdin=b"three\nfour\n")
        self.assertEqual(self.ok("close", job).out, f"job {job} has 4 items and is closed\n")
        self.ok("wait", job)
        self.assertEqual(self.ok("results", job).lines, ["one", "two", "three", "four"])
        self.assert_one_line(self.quern("append", job, "five"), 1, "closed")
        self.ok("close", job)  # may be repeated

    def test_an_open_job_with_an_idempotency_key_is_found_again(self):
        first = self.ok("run", "echo", "--open", "--unique", "k").out
        self.assertEqual(self.ok("run", "echo", "--open", "--unique", "k").out, first)

    def test_a_negative_index_is_refused(self):
        self.assert_one_line(self.quern("append", self.open_job(), "a", "--first=-1"), 2, "--first")

    def test_an_index_keeps_a_repetition_from_adding_twice(self):
        job = self.open_job()
        self.ok("append", job, "a", "b", "--first", 0)
        self.assert_one_line(self.quern("append", job, "a", "b", "--first", 0), 1, "has 2 items")
        shown = self.ok("append", job, "c", "--first", 2, "--close", "--json").objects[0]
        self.assertEqual((shown["total"], shown["open"]), (3, False))

    def test_many_items_of_several_clients_are_all_there(self):
        self.start_worker("w")
        job = self.open_job()
        files = [self.write(feed, "".join(f"{feed} {i}\n" for i in range(50_000))) for feed in "abc"]
        feeds = [self.quern_start("append", job, "--items", file) for file in files]
        for feed in feeds:
            done = feed.finish()
            self.assertEqual(done.code, 0, done)
        self.ok("close", job)
        self.ok("wait", job)
        lines = self.ok("results", job).lines
        self.assertEqual(sorted(lines), sorted(f"{feed} {i}" for feed in "abc" for i in range(50_000)))

    def test_other_jobs_take_no_items(self):
        job = self.submit("absent", "--input", "x")
        self.assert_one_line(self.quern("append", job, "y"), 1, "closed")
        self.assert_one_line(self.quern("append", 99, "y"), 1, "job 99 is unknown")
        self.assert_one_line(self.quern("append", job), 2, "items are missing")

    def test_an_open_job_survives_the_kill_of_the_broker(self):
        job = self.open_job()
        self.ok("append", job, "a")
        self.restart_broker()
        self.start_worker("w")
        self.ok("append", job, "b", "--first", 1, "--close")
        self.ok("wait", job)
        self.assertEqual(self.ok("results", job).lines, ["a", "b"])


if __name__ == "__main__":
    unittest.main()
