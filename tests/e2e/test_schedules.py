"""Jobs that start at their time, and schedules: with real processes, and with a clock that the test sets (libfaketime)."""

import datetime
import pathlib
import signal
import unittest

from rig import Rig, SANITIZED, SLOWNESS, wait_until
from web import WebRig

FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def utc(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)


class Starts(Rig):
    store = "store"

    def setUp(self):
        super().setUp()
        self.env["TZ"] = "UTC"

    def test_a_job_starts_after_a_delay(self):
        self.start_broker()
        self.start_worker("w")
        delay = 1.5 * SLOWNESS
        number = self.submit("echo", "--input", "x", "--in", str(delay))
        job = self.job(number)
        self.assertIn("it starts at", job["reason"])
        self.assertIsNotNone(job["start_at"])
        self.assertIsNone(job["eta_s"])
        self.assertIn("has not started", self.ok("explain", number).out)
        self.ok("wait", number)
        self.assertGreaterEqual(self.job(number)["age_s"], delay)

    def test_a_job_waits_for_its_time_over_a_kill_of_the_broker(self):
        self.start_broker()
        number = self.submit("echo", "--input", "x", "--in", str(3 * SLOWNESS))  # a restart takes less
        start = self.job(number)["start_at"]
        self.restart_broker()
        self.start_worker("w")
        self.assertEqual(self.job(number)["start_at"], start)
        self.ok("wait", number)

    def test_a_time_that_has_passed_means_at_once_and_a_far_one_can_be_cancelled(self):
        self.start_broker()
        self.start_worker("w")
        self.assertEqual(self.ok("run", "echo", "--input", "x", "--at", "2020-02-29 12:00").lines, ["x"])
        number = self.submit("echo", "--input", "x", "--at", "2099-12-31T23:59:59Z")
        self.assertEqual(self.job(number)["start_at"], "2099-12-31T23:59:59Z")
        self.ok("cancel", number)

    def test_bad_times_are_refused_with_what_would_be_right(self):
        for text in ("tomorrow", "25:00", "2026-02-30", ""):
            self.assert_one_line(self.quern("run", "echo", "--input", "x", "--at", text), 2, "--at takes a time such as 18:30")
        for text in ("soon", "-5", "1e9h"):
            self.assert_one_line(self.quern("run", "echo", "--input", "x", f"--in={text}"), 2, "--in takes a number of seconds")
        self.assert_one_line(self.quern("run", "echo", "--input", "x", "--at", "18:30", "--in", "5"), 2, "exclude each other")


class Schedules(Rig):
    """The clock of the broker is what the test writes into a file; all others keep the real one."""

    store = "store"

    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.skipTest("libfaketime and a sanitizer do not work together")
        if FAKETIME is None:
            self.skipTest("libfaketime is not installed: scripts/setup.sh --tests")
        self.env["TZ"] = "UTC"
        self.clock = self.folder / "clock"

    def set_clock(self, text):
        """The clock shows this now, and goes on."""
        offset = utc(text).timestamp() - datetime.datetime.now(datetime.timezone.utc).timestamp()
        new = self.folder / "clock.new"
        new.write_text(f"{offset:+.3f}\n")
        new.rename(self.clock)

    def start_broker(self, *options, **others):
        mine = dict(self.env)
        self.env.update(LD_PRELOAD=str(FAKETIME), FAKETIME_TIMESTAMP_FILE=str(self.clock), FAKETIME_NO_CACHE="1",
                        FAKETIME_DONT_FAKE_MONOTONIC="1")
        try:
            return super().start_broker(*options, **others)
        finally:
            endpoint = self.env.get("QUERN_BROKER")
            self.env.clear()
            self.env.update(mine)
            if endpoint:
                self.env["QUERN_BROKER"] = endpoint

    def history(self, name="s"):
        """What happened, the earliest first."""
        runs = self.ok("schedule", "history", name, "--json").objects
        return [(run["due"][11:16], run["outcome"]) for run in reversed(runs)]

    def next(self, name="s"):
        return self.ok("schedule", "list", name, "--json").objects[0]["next"]

    def test_a_command_runs_at_its_due_time_and_knows_it(self):
        self.set_clock("2026-03-29 00:59:57")
        self.start_broker()
        self.start_worker("w", "--allow-exec")
        said = self.ok("schedule", "add", "s", "30 2 * * *", "--tz", "Europe/Zurich", "--", "run", "exec", "--", "echo", "hello")
        # 02:30 does not exist on that day.
        self.assertEqual(said.out, "schedule s is due next at 2026-03-29T01:00:00Z\n")
        wait_until(lambda: self.history() == [("01:00", "ran")], "the run")
        (run,) = self.ok("schedule", "history", "s", "--json").objects
        self.ok("wait", run["job"])
        self.assertEqual(self.ok("logs", run["job"]).lines, ["hello"])
        job = self.job(run["job"])
        self.assertEqual((job["name"], job["metadata"]), ("s", {"due": "2026-03-29T01:00:00Z", "schedule": "s"}))
        self.assertIn("schedule `s`", self.ok("explain", run["job"]).out)
        self.assertEqual(self.next(), "2026-03-30T00:30:00Z")

    def test_a_killed_broker_runs_each_due_time_once(self):
        self.set_clock("2026-11-30 11:59:58")
        self.start_broker()
        self.ok("schedule", "add", "s", "* * * * *", "--overlap", "queue", "--", "run", "echo", "--input", "x")
        for minute in range(6):
            self.set_clock(f"2026-11-30 12:{minute:02}:59")
            self.restart_broker()
            wait_until(lambda: len(self.history()) > minute + 1, f"the run of 12:{minute + 1:02}")
        self.start_worker("w")
        runs = [run for run in self.history() if run[1] == "ran"]
        self.assertEqual(len(set(runs)), len(runs), runs)
        jobs = self.jobs()
        self.assertEqual(len(jobs), len(runs), (jobs, runs))
        for job in jobs:
            self.ok("wait", job["job"])
        due = {self.job(job["job"])["metadata"]["due"] for job in jobs}
        self.assertEqual(len(due), len(jobs))

    def test_what_the_broker_missed_runs_once_or_never(self):
        self.set_clock("2026-11-30 12:00:30")
        self.start_broker()
        self.ok("schedule", "add", "once", "*/10 * * * *", "--", "run", "echo", "--input", "x")
        self.ok("schedule", "add", "never", "*/10 * * * *", "--missed", "skip", "--", "run", "echo", "--input", "x")
        self.broker.send(signal.SIGKILL)
        self.broker.finish()
        self.set_clock("2026-11-30 12:35:00")
        self.start_broker(bind=self.endpoint)
        wait_until(lambda: self.history("once") and self.history("never"), "both to be looked at")
        self.assertEqual(self.history("once"), [("12:10", "missed"), ("12:30", "ran")])
        self.assertEqual(self.history("never"), [("12:10", "missed")])

    def test_a_clock_that_is_set_is_noticed(self):
        self.set_clock("2026-11-30 12:00:00")
        self.start_broker()
        self.ok("schedule", "add", "s", "0 * * * *", "--", "run", "echo", "--input", "x")
        number = self.submit("echo", "--input", "x", "--at", "2026-11-30 15:00")
        self.set_clock("2026-11-30 15:00:01")
        wait_until(lambda: self.history() == [("13:00", "missed"), ("15:00", "ran")], "the run")
        self.assertIsNone(self.job(number)["start_at"])
        self.set_clock("2026-11-30 14:59:50")
        self.set_clock("2026-11-30 15:00:05")
        self.start_worker("w")
        self.ok("wait", number)
        self.assertEqual(len(self.history()), 2)


class Commands(Rig):
    store = "store"

    def setUp(self):
        super().setUp()
        self.env["TZ"] = "UTC"

    def test_add_list_pause_resume_replace_remove(self):
        self.start_broker()
        add = ("schedule", "add", "s", "0 3 1 1 *")
        job = ("--", "run", "echo", "--items", self.write("items", "a\nb\n"))
        self.ok(*add, "--tz", "UTC", *job)
        self.assert_one_line(self.quern(*add, *job), 1, "already", "--replace")
        self.ok(*add, "--replace", "--overlap", "queue", *job)
        (one,) = self.ok("schedule", "list", "--json").objects
        self.assertEqual((one["name"], one["cron"], one["overlap"], one["function"]), ("s", "0 3 1 1 *", "queue", "echo"))
        self.assertIn("0 3 1 1 *", self.ok("schedule", "list", "s*").out)
        self.assertNotIn("0 3 1 1 *", self.ok("schedule", "list", "t*").out)
        self.assertIn("is paused", self.ok("schedule", "pause", "s").out)
        self.restart_broker()
        self.assertTrue(self.ok("schedule", "list", "--json").objects[0]["paused"])
        self.assertIn("is due next", self.ok("schedule", "resume", "s").out)
        self.assertIn("is removed", self.ok("schedule", "remove", "s").out)
        self.assertEqual(self.ok("schedule", "list", "--json").objects, [])
        for name in ("a", "b"):
            self.ok("schedule", "add", name, "@yearly", "--", "run", "echo", "--input", "x")
        self.assertEqual(self.quern("schedule", "remove", "a", "none", "b").code, 1)
        self.assertEqual(self.ok("schedule", "list", "--json").objects, [], "one that is unknown stops no other")
        for action in ("pause", "resume", "remove", "history"):
            self.assert_one_line(self.quern("schedule", action, "s"), 1, "no schedule `s`")

    def test_what_is_wrong_is_said(self):
        self.start_broker()
        job = ("--", "run", "echo", "--input", "x")
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 * *", *job), 2, "4 fields")
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 30 2 *", *job), 1, "does not come due")
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 * * *", "--tz", "Mars", *job), 1, "no time zone `Mars`")
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 * * *", "--missed", "x", *job), 2, "run-once or skip")
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 * * *", "--", "echo"), 2, "-- run exec -- COMMAND")
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 * * *"), 2, "-- run exec -- COMMAND")
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 * * *", *job, "--unique", "k"), 1, "idempotency key")
        self.assert_one_line(self.quern("schedule", "add", "n" * 101, "0 3 * * *", *job), 1, "100 bytes")
        self.assert_one_line(self.quern("schedule", "add", "..", "0 3 * * *", *job), 1, "cannot have the name")
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 * * *" + " " * 300, *job), 1, "255 bytes")
        self.assert_one_line(self.quern("schedule", "list", "--owner", "o" * 300), 1, "255 bytes")
        self.assert_one_line(self.quern("schedule", "add", "s", "0", "3", "*", "*", "*", *job), 2, "unexpected argument")
        self.assert_one_line(self.quern("schedule", "add", "s", "@daily", *job, "--detach"), 2, "does not fit a schedule")
        self.assert_one_line(self.quern("schedule", "add", "s", "@daily", *job, "--keys", "x"), 2, "before `--`")
        for zone in ("CET-1CEST,M3.5.0", "nonsense"):
            self.assert_one_line(self.quern("run", "echo", "--input", "x", "--at", "18:30", env={"TZ": zone}), 2, "TZ is")
        self.assert_one_line(self.quern("run", "echo", "--input", "x", "--at", "2600-01-01"), 2, "1970 and 2200")
        large = self.write("large", "x" * (2 << 20))
        self.assert_one_line(self.quern("schedule", "add", "s", "0 3 * * *", "--", "run", "echo", "--items", large), 1, "1 MiB")

    def test_a_broker_without_a_store_refuses_schedules(self):
        self.store = None
        self.start_broker()
        done = self.quern("schedule", "add", "s", "0 3 * * *", "--", "run", "echo", "--input", "x")
        self.assert_one_line(done, 1, "no store")

    def test_files_of_a_schedule_are_kept_with_it(self):
        self.start_broker()
        large = self.write("large.bin", "x" * (3 << 20))
        self.ok("schedule", "add", "s", "0 3 1 1 *", "--", "run", "exec", "--put", large, "--", "true")
        self.restart_broker()
        self.assertEqual(len(self.ok("schedule", "list", "--json").objects), 1)

    def test_schedules_of_others_need_the_role_admin(self):
        self.start_broker()
        self.ok("schedule", "add", "s", "0 3 * * *", "--", "run", "echo", "--input", "x")
        self.ok("keys", "add", "other", "--role", "submit")
        other = self.folder / "quern" / "issued" / "other"
        mine = self.ok("schedule", "list", "--json").objects[0]["owner"]
        self.assertEqual(self.ok("schedule", "list", "--json", "--keys", other).objects, [])
        self.assert_one_line(self.quern("schedule", "history", "s", "--owner", mine, "--keys", other), 1, "no schedule")
        self.assert_one_line(self.quern("schedule", "remove", "s", "--owner", mine, "--keys", other), 3, "role admin")
        self.ok("schedule", "add", "t", "0 3 * * *", "--keys", other, "--", "run", "echo", "--input", "x")
        self.assertEqual([one["name"] for one in self.ok("schedule", "list", "--json").objects], ["s", "t"])
        self.ok("schedule", "remove", "t", "--owner", "other")
        log = self.ok("audit", "grep", "remove schedule").out
        self.assertIn("remove schedule", log)


class Http(WebRig):
    store = "store"

    def test_schedules_over_http(self):
        self.start_broker()
        self.start_gateway()
        me = self.token("me", "--role", "submit")
        body = {"cron": "0 3 * * mon-fri", "zone": "Europe/Zurich", "job": {"function": "echo", "items": ["a", "b"]}}
        made = self.ask("PUT", "/v1/schedules/s", body, me)
        self.assertEqual(made.status, 200, made)
        self.assertEqual((made.json["name"], made.json["owner"], made.json["zone"]), ("s", "me", "Europe/Zurich"))
        self.assertEqual(self.ask("PUT", "/v1/schedules/s", body, me, if_none_match="*").status, 412)
        self.assertEqual(self.ask("PUT", "/v1/schedules/s", body, me).status, 200)
        self.assertEqual([one["name"] for one in self.ask("GET", "/v1/schedules", token=me).json["schedules"]], ["s"])
        self.assertEqual(self.ask("GET", "/v1/schedules?name=t*", token=me).json["schedules"], [])
        self.assertTrue(self.ask("POST", "/v1/schedules/s/pause", {}, me).json["paused"])
        self.assertFalse(self.ask("POST", "/v1/schedules/s/resume", {}, me).json["paused"])
        self.assertEqual(self.ask("GET", "/v1/schedules/s", token=me).json["runs"], [])
        self.assertEqual(self.ask("DELETE", "/v1/schedules/s", token=me).status, 200)
        self.assertEqual(self.ask("GET", "/v1/schedules/s", token=me).status, 404)

    def test_bad_schedules_over_http(self):
        self.start_broker()
        self.start_gateway()
        me = self.token("me", "--role", "submit")
        good = {"cron": "0 3 * * *", "job": {"function": "echo", "input": "x"}}
        for change, said in (({"cron": "x"}, "fields"), ({"cron": None}, "cron"), ({"zone": "Mars"}, "time zone"),
                             ({"job": None}, "job"), ({"job": {"function": "echo"}}, "exactly one"), ({"more": 1}, "more"),
                             ({"missed": "later"}, "run-once"), ({"job": {"function": "exec", "input": "x"}}, "exec"),
                             ({"job": {"function": "echo", "input": "x", "start_in_s": 3}}, "start_in")):
            answer = self.ask("PUT", "/v1/schedules/s", {**good, **change}, me)
            self.assertIn(answer.status, (403, 422), (change, answer))
            self.assertIn(said, answer.json["detail"], change)

    def test_a_start_over_http(self):
        self.start_broker()
        self.start_gateway()
        me = self.token("me", "--role", "submit")
        made = self.ask("POST", "/v1/jobs", {"function": "echo", "input": "x", "start_at": "2099-01-01T00:00:00Z"}, me)
        self.assertEqual(made.status, 201, made)
        self.assertEqual(self.ask("GET", "/v1/" + made.json["url"], token=me).json["start_at"], "2099-01-01T00:00:00Z")
        self.assertEqual(self.ask("POST", "/v1/jobs", {"function": "echo", "input": "x", "start_at": "soon"}, me).status, 422)


if __name__ == "__main__":
    unittest.main()
