"""`quern jobs`, `job`, `workers`: tables for people, one JSON object per line for programs."""

import unittest

from rig import Rig, wait_until


class Lists(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def test_jobs_are_listed(self):
        self.start_worker("w")
        first = self.submit("sum", "--range", "1:101", "--name", "small sum")
        second = self.submit("absent", "--input", "x")
        self.ok("wait", first)
        table = self.ok("jobs").lines
        self.assertTrue(table[0].split()[:3] == ["job", "function", "name"], table[0])
        self.assertIn("small sum", table[1])
        self.assertIn("done", table[1])
        self.assertIn("waiting", table[2])
        jobs = self.jobs()
        self.assertEqual([job["job"] for job in jobs], [first, second])
        self.assertEqual([job["job"] for job in self.ok("jobs", "--json", "--limit", "1").objects], [second])
        self.assertEqual((jobs[0]["total"], jobs[0]["done"], jobs[0]["reduce"]), (100, 100, "sum"))

    def test_jobs_are_listed_by_conditions(self):
        self.start_worker("w")
        good = self.submit("sum", "--range", "1:101", "--name", "night-1")
        bad = self.submit("fail", "--input", "x", "--retries", "0", "--name", "night-2")
        waits = self.submit("absent", "--input", "x", "--name", "day-1")
        self.quern("wait", good, bad)
        for conditions, expected in (
            (("--state", "done,failed"), [good, bad]),
            (("--state", "waiting"), [waits]),
            (("--function", "fail"), [bad]),
            (("--name", "night-*"), [good, bad]),
            (("--name", "night-*", "--state", "done"), [good]),
            (("--text", "NO WORKER offers"), [waits]),
            (("--owner", "nobody"), []),
            (("--before", waits), [good, bad]),
            (("--before", waits, "--limit", 1), [bad]),
        ):
            found = self.ok("jobs", "--json", *conditions).objects
            self.assertEqual([job["job"] for job in found], expected, conditions)

    def test_a_job_is_paused_and_resumed(self):
        job = self.submit("sum", "--range", "1:101")
        self.assertIn("paused", self.ok("pause", job).out)
        self.start_worker("w")
        self.assertIn(f"quern resume {job}", self.ok("explain", job).out)
        self.assertTrue(self.job(job)["paused"])
        self.assertEqual(self.ok("resume", job, "--json").objects[0]["paused"], False)
        self.ok("wait", job)
        self.assert_one_line(self.quern("pause", job), 1, "has ended")

    def test_the_tasks_of_a_job_are_listed_by_state(self):
        job = self.submit("fail", "--items", self.write("items", "a\nb\nc\n"), "--retries", "0")
        self.assertEqual(self.ok("tasks", job, "--json").objects, [{"first": 0, "count": 3, "state": "waiting"}])
        self.start_worker("w")
        self.quern("wait", job)
        shown = self.ok("tasks", job, "--state", "failed").lines
        self.assertEqual(shown[1].split(), ["0", "2", "3", "failed"])
        self.assertEqual(self.ok("tasks", job, "--state", "done", "--json").objects, [])
        self.assert_one_line(self.quern("tasks", job, "--state", "bad"), 2, "--state takes")

    def test_the_broker_shows_what_it_has_counted(self):
        self.start_worker("w")
        self.ok("wait", self.submit("sum", "--range", "1:101"))
        self.submit("absent", "--input", "x")
        status = self.ok("broker", "--json").objects[0]
        self.assertEqual((status["jobs_by_state"]["waiting"], status["jobs_by_state"]["done"]), (1, 1))
        self.assertEqual(status["tasks"], {"pending": 1, "leased": 0})
        self.assertEqual(status["workers_by_state"]["idle"], 1)
        [counted] = status["functions"]
        self.assertEqual((counted["function"], counted["tasks_done"]), ("sum", 100))
        self.assertEqual(sum(bucket["count"] for bucket in status["wait_seconds"]["buckets"]), 1)
        self.assertIn("1 waiting", self.ok("broker").out)

    def test_failures_are_grouped_and_some_of_them_are_retried(self):
        self.start_worker("w")
        items = self.write("items", "".join(f"{i}\n" for i in range(20)))
        job = self.submit("fail", "--items", items, "--retries", "0")
        self.quern("wait", job)
        done = self.quern("results", job, "--failed", "--group", "--json")
        self.assertEqual(done.code, 1, done)
        self.assertEqual(sum(group["count"] for group in done.objects), 20)
        group = done.objects[0]
        self.assertIn(str(group["count"]), self.quern("results", job, "--failed", "--group").out)
        self.assertIn("5 of 20 tasks would run again", self.ok("retry", job, "--tasks", "0:5", "--dry-run").out)
        self.assertIn("0 of 20", self.ok("retry", job, "--error", "timeout", "--dry-run").out)
        self.assert_one_line(self.quern("retry", job, "--error", "timeout"), 1, "--group")
        touched = self.ok("retry", job, "--tasks", "0:5,7:8", "--error", group["error"], "--json").objects[0]["touched"]
        self.assertEqual(touched, 6)
        self.quern("wait", job)
        self.assertEqual(self.job(job)["failed"], 20)

    def test_a_dry_run_of_cancel_cancels_nothing(self):
        job = self.submit("absent", "--items", self.write("items", "a\nb\nc\n"))
        self.assertIn("2 of 3 tasks would be cancelled", self.ok("cancel", job, "--tasks", "1:9", "--dry-run").out)
        self.assertEqual(self.job(job)["cancelled"], 0)
        self.ok("cancel", job, "--tasks", "1:2")
        self.assertEqual(self.job(job)["cancelled"], 1)

    def test_empty_lists_are_explained(self):
        self.assertEqual(len(self.ok("jobs").lines), 1)
        self.assertEqual(len(self.ok("workers").lines), 1)
        self.assertEqual(self.ok("jobs", "--json").out, "")
        self.assertEqual(self.ok("workers", "--json").out, "")

    def test_workers_are_listed(self):
        self.start_worker("north", "--label", "room=n", slots=2)
        self.start_worker("south")
        north, south = self.workers()
        self.assertEqual((north["worker"], north["slots"], north["labels"]), ("north", 2, {"room": "n"}))
        self.assertEqual((south["worker"], south["state"]), ("south", "idle"))
        self.assertIn({"name": "wordcount", "takes": "item"},
                      [{key: function[key] for key in ("name", "takes")} for function in north["functions"]])
        table = self.ok("workers").lines
        self.assertEqual([line.split()[0] for line in table], ["worker", "north", "south"])

    def test_a_measured_rate_is_shown(self):
        self.start_worker("w")
        self.ok("run", "primes", "--range", "1:1000000")
        wait_until(lambda: any(r["function"] == "primes" and r["rate"] > 0 for r in self.workers()[0]["rates"]), "a rate")
        self.assertIn("primes", self.ok("workers").out)

    def test_wait_reports_how_each_job_ended(self):
        self.start_worker("w")
        good, bad = self.submit("sum", "--range", "1:101"), self.submit("fail", "--input", "x", "--retries", "0")
        done = self.quern("wait", good, bad, "--json")
        self.assertEqual(done.code, 1, done)
        self.assertEqual([(o["job"], o["state"]) for o in done.objects], [(good, "done"), (bad, "failed")])
        self.assertEqual(self.quern("wait", good).out, f"job {good} done\n")

    def test_json_of_a_detached_run_has_the_uuid(self):
        self.start_worker("w")
        said = self.ok("run", "sum", "--range", "1:101", "--detach", "--json").objects[0]
        self.assertEqual(self.job(said["job"])["uuid"], said["uuid"])

    def test_values_and_raw_results_as_json(self):
        self.start_worker("w")
        text = 'say "é"\t\\'.encode()
        done = self.ok("run", "echo", "--items", "-", "--json", stdin=text + b"\n\xff\xfe\n")
        self.assertEqual([o["result"] for o in done.objects], [text.decode(), {"base64": "//4="}])


if __name__ == "__main__":
    unittest.main()
