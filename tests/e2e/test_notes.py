"""What tasks know about their job and say about themselves, and jobs that have to end in time."""

import unittest

from rig import Rig, wait_until


class Notes(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def notes(self, job):
        return self.ok("notes", job, "--json").objects

    def submitted(self, *words):
        return self.ok("run", *words, "--detach").out.strip()

    def test_a_task_knows_its_job_and_metadata(self):
        self.start_worker("w")
        done = self.ok("run", "about", "--items", "-", "--meta", "experiment=7", "--meta", "by=me",
                       stdin=b"a\nb\n")
        self.assertEqual(done.lines, ["job 1 task 0 attempt 1 by=me experiment=7",
                                      "job 1 task 1 attempt 1 by=me experiment=7"])
        self.assertEqual(self.ok("job", "1", "--json").objects[0]["metadata"],
                         {"by": "me", "experiment": "7"})
        self.assertEqual(self.ok("run", "about", "--input", "x").out.strip(),
                         "job 2 task 0 attempt 1")

    def chats(self, *options):
        self.start_worker("w", *options)
        gate = self.folder / "gate"
        job = self.submitted("chatty", "--input", str(gate))
        seen = wait_until(lambda: [n for n in self.notes(job) if n["progress"]], "progress")
        self.assertEqual((seen[0]["progress"], seen[0]["text"]), (0.5, f"waiting for {gate}"))
        self.assertEqual(seen[0]["worker"], "w")
        self.assertEqual([n["text"] for n in self.notes(job) if n["progress"] is None], ["started"])
        gate.touch()
        self.ok("wait", job)
        left = wait_until(lambda: len(self.notes(job)) == 2 and self.notes(job), "both lines")
        self.assertEqual([n["text"] for n in left], ["started", "found it"])
        self.assertIn("found it", self.ok("notes", job).out)

    def test_a_task_tells_how_far_it_is(self):
        self.chats()

    def test_a_task_in_a_process_of_its_own_tells_how_far_it_is(self):
        self.chats("--isolation", "process")

    def test_a_task_in_a_process_of_its_own_knows_its_job(self):
        self.start_worker("w", "--isolation", "process")
        self.assertEqual(self.ok("run", "about", "--input", "x", "--meta", "by=me").out.strip(),
                         "job 1 task 0 attempt 1 by=me")

    def retries_of(self, text, *options):
        done = self.quern("run", "choosy", "--input", f'"{text}"', "--retries", "2")
        self.assertEqual(done.code, 1, done)
        return self.jobs()[-1]["retried"], done.err

    def test_a_function_decides_which_errors_are_tried_again(self):
        self.start_worker("w")
        retried, err = self.retries_of("later")
        self.assertEqual(retried, 2, err)
        retried, err = self.retries_of("never")
        self.assertEqual(retried, 0, err)

    def test_it_decides_in_a_process_of_its_own_too(self):
        self.start_worker("w", "--isolation", "process")
        self.assertEqual(self.retries_of("later")[0], 2)
        self.assertEqual(self.retries_of("never")[0], 0)


class Deadlines(Rig):
    def test_a_job_that_is_late_fails_and_says_why(self):
        self.start_broker()
        self.start_worker("w")
        done = self.quern("run", "gate", "--input", str(self.folder / "never"), "--deadline", "0.3",
                          "--timeout", "60")
        self.assertEqual(done.code, 1, done)
        self.assertIn("its deadline of 0.300 s is over", done.err)
        job = self.ok("job", "1", "--json").objects[0]
        self.assertEqual((job["state"], job["failure"], job["deadline_s"]), ("failed", "deadline", 0.3))
        wait_until((self.folder / "never.cancelled").exists, "the function is told")

    def test_a_deadline_goes_on_while_the_broker_is_down(self):
        self.store = "store"
        self.start_broker()
        job = self.ok("run", "echo", "--input", "x", "--detach", "--deadline", "1.5").out.strip()
        kept = self.ok("run", "echo", "--input", "x", "--detach", "--deadline", "3600", "--meta",
                       "by=me").out.strip()
        self.restart_broker()
        done = self.quern("wait", job)
        self.assertNotEqual(done.code, 0, done)
        self.assertEqual(self.ok("job", job, "--json").objects[0]["failure"], "deadline")
        alive = self.ok("job", kept, "--json").objects[0]
        self.assertEqual((alive["state"], alive["deadline_s"], alive["metadata"]),
                         ("waiting", 3600, {"by": "me"}))

    def test_a_deadline_that_makes_no_sense_is_refused(self):
        self.start_broker()
        done = self.quern("run", "echo", "--input", "x", "--deadline", "0")
        self.assertEqual(done.code, 2, done)
        self.assertIn("--deadline takes seconds above 0", done.err)


if __name__ == "__main__":
    unittest.main()
