"""/metrics: what promtool says about it, how many series there are, and the dashboard that shows them."""

import http.client
import json
import re
import resource
import shutil
import subprocess
import sys
import unittest

from rig import PATIENCE, TOP, wait_until
from web import WebRig

sys.path.insert(0, str(TOP / "tests" / "bench"))
from idle_workers import Idlers  # noqa: E402  (found in the folder above)

DASHBOARD = TOP / "sdk" / "gateway" / "grafana.json"
SERIES_MOST = 500


def series_in(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def families_in(text):
    """The names of the metrics, with those that a histogram consists of."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
        names |= {name + part for part in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


def expressions_in(dashboard):
    """Every PromQL expression, with values in the place of Grafana's variables."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")


class Metrics(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w")
        self.start_gateway()
        self.me = self.token("me", "--role", "submit,read")

    def metrics(self):
        return self.asked(200, "GET", "/metrics", token=self.me).text

    def promtool(self, *words, text=""):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed: scripts/setup.sh --tests installs it")
        done = subprocess.run(["promtool", *words], input=text, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def run_a_job(self):
        job = self.asked(201, "POST", "/v1/jobs", {"function": "echo", "items": ["a", "b"]}, token=self.me).json["job"]
        self.asked(200, "GET", f"/v1/jobs/{job}?wait=20", token=self.me)

    def test_promtool_finds_nothing_wrong(self):
        self.run_a_job()
        self.asked(404, "GET", "/v1/jobs/99", token=self.me)
        self.promtool("check", "metrics", text=self.metrics())

    def test_the_dashboard_is_valid_and_does_not_overlap(self):
        dashboard = json.loads(DASHBOARD.read_text())
        numbers = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(numbers), len(set(numbers)))
        cells = set()
        for panel in dashboard["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & own, panel["title"])
            cells |= own
        rules = {"groups": [{"name": "dashboard", "rules": [{"record": f"x:x{n}", "expr": text} for n, text in enumerate(expressions_in(dashboard))]}]}
        self.promtool("check", "rules", self.write("rules.yml", json.dumps(rules)))

    def test_the_dashboard_shows_every_metric_and_no_other(self):
        self.run_a_job()
        dashboard = json.loads(DASHBOARD.read_text())
        named = set(re.findall(r"\bquern_\w+", " ".join(expressions_in(dashboard))))
        named |= set(re.findall(r"\bquern_\w+", " ".join(one["query"] for one in dashboard["templating"]["list"])))
        text = self.metrics()
        self.assertEqual(named - families_in(text), set(), "the dashboard names metrics that do not exist")
        shown = {re.sub("_(bucket|sum|count)$", "", name) for name in named}
        self.assertEqual(set(re.findall(r"^# TYPE (\S+)", text, re.M)) - shown, set(), "metrics that the dashboard does not show")


class Crowd(WebRig):
    broker_options = ("--insecure",)

    def setUp(self):
        super().setUp()
        self.env["QUERN_INSECURE"] = "1"
        self.start_broker()
        self.start_gateway("--insecure", seed=False)

    def submit_many(self, count):
        """Jobs of one task each that no worker takes, over one connection."""
        body = json.dumps({"function": "absent", "input": "x"})
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        for _ in range(count):
            connection.request("POST", "/v1/jobs", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read()[:7]), (201, b'{"job":'))
        connection.close()

    def visit_every_route(self):
        """Asks each route of the description, for things that exist and for others. Some of them wait."""
        document = self.asked(200, "GET", "/v1/openapi.json").json
        for path, item in document["paths"].items():
            for method in item.keys() & {"get", "post", "put", "delete"}:
                for variable in ("1", "unknown"):
                    try:
                        self.ask(method.upper(), re.sub("{[^}]*}", variable, path), {} if method == "post" else None, patience=1)
                    except TimeoutError:
                        pass

    def test_a_thousand_workers_and_ten_thousand_jobs_have_few_series(self):
        self.submit_many(10_000)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        crowd = Idlers(self.endpoint, 1000)
        try:
            wait_until(lambda: 'quern_workers{state="idle"} 1000\n' in self.asked(200, "GET", "/metrics").text, "the workers")
            self.assertIn('quern_jobs{state="waiting"} 10000\n', self.asked(200, "GET", "/metrics").text)
            self.visit_every_route()
            text = self.asked(200, "GET", "/metrics").text
        finally:
            crowd.close()
        self.assertLessEqual(len(series_in(text)), SERIES_MOST)


if __name__ == "__main__":
    unittest.main()
