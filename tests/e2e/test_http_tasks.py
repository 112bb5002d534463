"""The tasks of a job over HTTP: as intervals, one by one, and what their commands wrote."""

import unittest

from web import WebRig


class HttpTasks(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_gateway()
        self.me = self.token("me", "--role", "submit,read,admin", "--functions", "*,exec")

    def submit(self, **job):
        made = self.asked(201, "POST", "/v1/jobs", {"attempts": 1, **job}, token=self.me).json
        return f"/v1/jobs/{made['job']}"

    def get(self, path, status=200):
        return self.asked(status, "GET", path, token=self.me)

    def test_a_very_wide_job_is_few_intervals(self):
        job = self.submit(function="sum", range=[0, 10**12])
        self.assertEqual(self.get(job + "/tasks").json["intervals"], [{"first": 0, "count": 10**12, "state": "waiting"}])

    def test_tasks_are_listed_by_state_and_shown_one_by_one(self):
        self.start_worker("w")
        job = self.submit(function="fail", items=["a", "b"])
        self.get(job + "?wait=20")
        shown = self.get(job + "/tasks?state=failed").json
        self.assertEqual([(one["first"], one["count"]) for one in shown["intervals"]], [(0, 2)])
        self.assertEqual(self.get(job + "/tasks?state=done").json["intervals"], [])
        task = self.get(job + "/tasks/1").json
        self.assertEqual((task["state"], task["error"]["code"]), ("failed", "failed"))
        self.assertEqual(task["attempts"][0]["worker"], "w")

        job = self.submit(function="echo", items=["rye", "wheat"])
        self.get(job + "?wait=20")
        self.assertEqual(self.get(job + "/tasks/1").json["result"], "wheat")
        self.get(job + "/tasks/2", 404)
        self.get(job + "/tasks/x", 404)

    def test_a_task_that_waits_has_no_result_and_does_not_block(self):
        job = self.submit(function="absent", items=["a"])
        self.assertEqual(self.get(job + "/tasks/0").json["state"], "waiting")
        self.get(job + "/logs/0", 404)

    def test_the_log_of_a_command_is_text(self):
        self.start_worker("w", "--allow-exec")
        job = int(self.ok("run", "exec", "--detach", "--", "sh", "-c", "echo out; echo err >&2; exit 3").out)
        self.quern("wait", job)
        log = self.get(f"/v1/jobs/{job}/logs/0?stream=stdout")
        self.assertEqual((log.text, log.headers["Quern-Exit-Code"]), ("out\n", "3"))
        self.assertEqual(self.get(f"/v1/jobs/{job}/logs/0").text, "out\nerr\n")
        self.assertTrue(log.headers["Content-Type"].startswith("text/plain"))


if __name__ == "__main__":
    unittest.main()
