"""quern-gateway: the broker over HTTP."""

import json
import pathlib
import signal
import subprocess
import threading
import unittest

from rig import wait_until
from web import WebRig

JSON = "application/json"
LINES = "application/x-ndjson"


class Seed(WebRig):
    """The two routes of the seed, without a token."""

    store = "store"

    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w")
        self.start_gateway()

    def add(self, task):
        return self.ask("POST", "/add_task", {"task": task})

    def test_the_session_of_the_seed_literally(self):
        added = self.add(100)
        self.assertEqual((added.status, added.json), (200, {"status": "success", "message": "Task added."}))
        result = self.ask("GET", "/get_result")
        self.assertEqual((result.status, result.json), (200, {"status": "success", "result": 5050}))

    def test_curl_without_a_content_type_is_understood(self):
        done = subprocess.run(["curl", "-s", "-X", "POST", f"{self.url}/add_task", "-d", '{"task": 100}'], capture_output=True)
        self.assertEqual(json.loads(done.stdout)["status"], "success")
        done = subprocess.run(["curl", "-s", f"{self.url}/get_result"], capture_output=True)
        self.assertEqual(json.loads(done.stdout), {"status": "success", "result": 5050})

    def test_results_come_first_in_first_out(self):
        for n in (10, 0, 1, 4294967295):
            self.assertEqual(self.add(n).status, 200)
        results = [self.ask("GET", "/get_result").json["result"] for _ in range(4)]
        self.assertEqual(results, [55, 0, 1, 4294967295 * 4294967296 // 2])

    def test_looking_does_not_take_a_result(self):
        self.add(100)
        self.assertEqual(self.ask("HEAD", "/get_result").status, 405)
        self.assertEqual(self.ask("GET", "/get_result").json["result"], 5050)

    def test_nothing_to_wait_for_is_said_at_once(self):
        self.assertEqual(self.ask("GET", "/get_result").status, 404)

    def test_anything_else_than_a_number_is_refused(self):
        for body in ({"task": -1}, {"task": "1"}, {"task": 1.5}, {"task": 4294967296}, {"task": None}, {}, {"task": 1, "x": 2}, [1], 7, "x"):
            self.assertIn(self.ask("POST", "/add_task", body).status, (400, 422), body)
        for body in (b"{", b"", b"task=1", b'{"task": NaN}', b"[" * 100000):
            self.assertEqual(self.ask("POST", "/add_task", body).status, 400 if body[:1] != b"[" else 422, body[:20])

    def test_what_was_added_survives_the_gateway(self):
        for n in (1, 2, 3):
            self.add(n)
        self.assertEqual(self.ask("GET", "/get_result").json["result"], 1)
        wait_until((self.folder / "quern" / "gateway.json").exists, "the mark of what was taken")
        self.gateway.send(signal.SIGKILL)
        self.gateway.finish()
        self.start_gateway()
        self.assertEqual([self.ask("GET", "/get_result").json["result"] for _ in range(2)], [3, 6])
        self.assertEqual(self.ask("GET", "/get_result").status, 404)

    def test_a_result_that_nobody_received_is_given_again(self):
        for worker in self.worker_names():
            self.ok("drain", worker)
        wait_until(lambda: not self.worker_names(), "no worker")
        self.add(100)
        plug = self.connect()
        plug.sendall(b"GET /get_result HTTP/1.1\r\nHost: localhost\r\n\r\n")
        plug.close()
        self.start_worker("again")
        self.assertEqual(wait_until(lambda: self.ask("GET", "/get_result").json.get("result"), "the result"), 5050)

    def test_behind_a_proxy_everybody_needs_a_token(self):
        for field in ("X_Forwarded_For", "Forwarded", "Via", "X_Forwarded_Proto"):
            self.assertEqual(self.ask("POST", "/add_task", {"task": 1}, **{field: ""}).status, 401, field)


class Jobs(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w", slots=2)
        self.start_gateway()
        self.me = self.token("me", "--role", "submit,read")

    def submit(self, body, status=201, **headers):
        return self.asked(status, "POST", "/v1/jobs", body, token=self.me, **headers).json

    def results(self, job, query=""):
        return self.asked(200, "GET", f"/v1/jobs/{job}/results{query}", token=self.me).lines

    def test_a_range_an_input_and_items_are_submitted(self):
        job = self.submit({"function": "sum", "range": [1, 101]})["job"]
        self.assertEqual(self.results(job)[0], {"result": 5050})
        job = self.submit({"function": "echo", "input": "a\n"})["job"]
        self.assertEqual(self.results(job)[0], {"index": 0, "result": "a\n"})
        job = self.submit({"function": "echo", "items": ["a", {"base64": "/w=="}, 3, {"x": [1]}]})["job"]
        self.assertEqual([line["result"] for line in self.results(job)[:-1]], ["a", {"base64": "/w=="}, "3", '{"x":[1]}'])
        job = self.submit({"function": "sum", "range": [5, 5]})["job"]
        self.assertEqual(self.results(job)[0], {"result": 0})

    def test_the_answer_names_the_job(self):
        answer = self.asked(201, "POST", "/v1/jobs", {"function": "echo", "input": "x"}, token=self.me)
        self.assertEqual(answer.headers["Location"], f"jobs/{answer.json['job']}")
        self.assertEqual(self.asked(200, "GET", f"/v1/jobs/{answer.json['job']}", token=self.me).json["function"], "echo")

    def test_integers_that_javascript_would_round_are_strings(self):
        job = self.submit({"function": "sum", "range": [1 << 60, (1 << 60) + 3]})["job"]
        self.assertEqual(self.results(job)[0], {"result": str(3 * (1 << 60) + 3)})

    def test_a_job_is_shown_as_by_the_command_line(self):
        job = self.submit({"function": "echo", "items": ["a", "b"], "name": "n"})["job"]
        self.results(job)
        shown = self.asked(200, "GET", f"/v1/jobs/{job}", token=self.me).json
        printed = self.job(job)
        for key in printed:
            if key not in ("age_s", "kept_s", "run_s", "rate", "eta_s", "workers"):
                self.assertEqual(shown[key], printed[key], key)
        self.assertEqual([j["job"] for j in self.asked(200, "GET", "/v1/jobs", token=self.me).json["jobs"]], [job])

    def test_an_idempotency_key_makes_no_second_job(self):
        body = {"function": "echo", "items": ["a"]}
        first = self.submit(body, Idempotency_Key="k")
        again = self.submit(body, status=200, Idempotency_Key="k")
        self.assertEqual((again["job"], again["existing"]), (first["job"], True))
        self.submit({"function": "echo", "items": ["b"]}, status=422, Idempotency_Key="k")
        self.assertEqual(self.results(first["job"])[0], {"index": 0, "result": "a"})

    def test_an_idempotency_key_that_is_sent_many_times_at_once_makes_one_job(self):
        found = []
        for key in ("k1", "k2", "k3"):
            body = {"function": "echo", "items": ["a"], "name": key}
            many = [threading.Thread(target=lambda: found.append(self.ask("POST", "/v1/jobs", body, token=self.me, Idempotency_Key=key))) for _ in range(8)]
            for one in many:
                one.start()
            for one in many:
                one.join()
        self.assertEqual({answer.status for answer in found}, {200, 201}, found)
        made = {answer.json["job"] for answer in found if answer.status == 201}
        self.assertEqual([len(made), sum(answer.status == 201 for answer in found)], [3, 3], "one submission made each job")
        self.assertEqual({answer.json["job"] for answer in found}, made)
        self.assertTrue(all(answer.json["existing"] == (answer.status == 200) for answer in found))

    def test_a_bad_line_is_answered_before_the_body_has_ended(self):
        plug = self.connect()
        head = f"POST /v1/jobs?function=echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.me}\r\n"
        plug.sendall((head + f"Content-Type: {LINES}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nx y\n\r\n").encode())
        self.assertIn(b"422", plug.recv(1000))

    def test_results_can_be_read_again_and_by_two_at_a_time(self):
        job = self.submit({"function": "echo", "items": [f"{n}" for n in range(2000)]})["job"]
        expected = [{"index": n, "result": f"{n}"} for n in range(2000)]
        found = []
        readers = [threading.Thread(target=lambda: found.append(self.results(job))) for _ in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        for lines in [*found, self.results(job)]:
            self.assertEqual(lines[:-1], expected)
            self.assertEqual(lines[-1]["end"]["state"], "done")
        self.assertEqual([line["index"] for line in self.results(job, "?from=10&to=12")[:-1]], [10, 11])

    def test_clients_that_leave_do_not_keep_results_from_others(self):
        waits = self.submit({"function": "absent", "input": "x"})["job"]
        job = self.submit({"function": "echo", "input": "x"})["job"]
        for more in ("", "X"):  # what is sent after the request must not hide that the client has left
            for _ in range(40):
                plug = self.connect()
                plug.sendall(f"GET /v1/jobs/{waits}/results HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.me}\r\n\r\n{more}".encode())
                plug.close()
            self.assertEqual(wait_until(lambda: (lambda a: a if a.status == 200 else None)(self.ask("GET", f"/v1/jobs/{job}/results", token=self.me)),
                                        "results").lines[0]["result"], "x")

    def test_a_key_has_a_limited_number_of_streams(self):
        waits = self.submit({"function": "absent", "input": "x"})["job"]
        job = self.submit({"function": "echo", "input": "x"})["job"]
        plugs = [self.connect() for _ in range(16)]
        for plug in plugs:
            plug.sendall(f"GET /v1/jobs/{waits}/results HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.me}\r\n\r\n".encode())
            plug.recv(10)
        self.assertEqual(self.asked(429, "GET", f"/v1/jobs/{job}/results", token=self.me).headers["Retry-After"], "5")
        other = self.token("other", "--role", "submit,read,admin")
        self.assertEqual(self.asked(200, "GET", f"/v1/jobs/{job}/results", token=other).lines[0]["result"], "x")

    def test_an_orderly_stop_does_not_wait_for_a_job(self):
        waits = self.submit({"function": "absent", "input": "x"})["job"]
        plug = self.connect()
        plug.sendall(f"GET /v1/jobs/{waits}/results HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.me}\r\n\r\n".encode())
        plug.recv(10)
        self.gateway.send(signal.SIGTERM)
        self.assertEqual(self.gateway.finish().code, 0)

    def test_failed_tasks_are_results_with_an_error(self):
        job = self.submit({"function": "fail", "items": ["a", "b"], "attempts": 1})["job"]
        lines = self.results(job, "?failed=true")
        self.assertEqual([line["index"] for line in lines[:-1]], [0, 1])
        self.assertTrue(all(line["code"] and line["error"] for line in lines[:-1]), lines)
        self.assertEqual(lines[-1]["end"]["failed"], 2)

    def test_a_million_items_stream_in_and_out(self):
        count = 200_000
        body = b"".join(b"%d\n" % n for n in range(count))
        job = self.asked(201, "POST", "/v1/jobs?function=echo&name=big", body, token=self.me, Content_Type=LINES).json["job"]
        lines = self.results(job)
        self.assertEqual(len(lines), count + 1)
        self.assertEqual([line["index"] for line in lines[:-1]], list(range(count)))
        self.assertEqual(lines[-2], {"index": count - 1, "result": str(count - 1)})

    def test_a_bad_line_ends_the_job_and_is_named(self):
        answer = self.asked(422, "POST", "/v1/jobs?function=echo", b"1\n2\nx y\n", token=self.me, Content_Type=LINES)
        self.assertIn("Line 3", answer.json["detail"])

    def test_a_client_that_leaves_in_mid_body_leaves_no_open_job(self):
        plug = self.connect()
        head = f"POST /v1/jobs?function=echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.me}\r\n"
        plug.sendall((head + f"Content-Type: {LINES}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n").encode())
        wait_until(lambda: self.jobs(), "the job")
        plug.close()
        wait_until(lambda: self.jobs()[0]["state"] == "cancelled", "its end")

    def test_a_long_poll_answers_when_the_job_has_ended(self):
        job = self.submit({"function": "sleep", "input": "500000"})["job"]
        shown = self.asked(200, "GET", f"/v1/jobs/{job}?wait=60", token=self.me).json
        self.assertEqual(shown["state"], "done")
        again = self.asked(200, "GET", f"/v1/jobs/{job}?wait=1&version={shown['version']}", token=self.me).json
        self.assertEqual(again["version"], shown["version"])
        self.asked(304, "GET", f"/v1/jobs/{job}", token=self.me, If_None_Match=f'"{shown["version"]}"')

    def test_a_long_poll_in_which_nothing_changes_is_answered_without_a_body(self):
        job = self.submit({"function": "absent", "input": "x"})["job"]
        tag = self.asked(200, "GET", f"/v1/jobs/{job}", token=self.me).headers["ETag"]
        version = tag.strip('"')
        for query in ("wait=1", f"wait=1&version={version}"):
            answer = self.asked(304, "GET", f"/v1/jobs/{job}?{query}", token=self.me, If_None_Match=tag)
            self.assertEqual((answer.headers["ETag"], answer.body), (tag, b""))
        self.asked(200, "POST", f"/v1/jobs/{job}/cancel", token=self.me)
        answer = self.asked(200, "GET", f"/v1/jobs/{job}?wait=20&version={version}", token=self.me, If_None_Match=tag)
        self.assertNotEqual(answer.headers["ETag"], tag)

    def test_a_slash_at_the_end_of_a_path_does_not_count(self):
        job = self.asked(201, "POST", "/v1/jobs/", {"function": "echo", "input": "x"}, token=self.me).json["job"]
        self.asked(200, "GET", f"/v1/jobs/{job}/", token=self.me)

    def test_an_unknown_parameter_is_refused_by_name(self):
        job = self.submit({"function": "echo", "input": "x"})["job"]
        for method, path in (("GET", "/v1/jobs?stat=done"), ("GET", f"/v1/jobs/{job}?stat=1"), ("GET", "/v1/workers?stat=1"),
                             ("POST", f"/v1/jobs/{job}/cancel?stat=1"), ("POST", "/v1/jobs?stat=1"), ("GET", f"/v1/jobs/{job}/results?stat=1")):
            body = {"function": "echo", "input": "x"} if method == "POST" else None
            self.assertIn('"stat"', self.asked(400, method, path, body, token=self.me).json["detail"])
        self.assertIn("wait, version", self.asked(400, "GET", f"/v1/jobs/{job}?wai=1", token=self.me).json["detail"])

    def connections(self):
        """How many connections the gateway has not closed, also those whose client has left."""
        port = f":{int(self.address.rsplit(':', 1)[1]):04X}"
        rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(port) and row[3] in ("01", "08") for row in rows)

    def test_a_client_that_leaves_before_the_answer_takes_its_job_back(self):
        self.submit({"function": "absent", "input": "x"})
        wait_until(lambda: not self.connections(), "the end of other connections")
        self.broker.send(signal.SIGSTOP)
        try:
            plug = self.connect()
            wait_until(self.connections, "the connection")
            body = b'{"function": "absent", "input": "x"}'
            plug.sendall(f"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.me}\r\n".encode()
                         + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            plug.close()
            wait_until(lambda: not self.connections(), "the end of the connection")
        finally:
            self.broker.send(signal.SIGCONT)
        wait_until(lambda: [job["state"] for job in self.jobs()] == ["waiting", "cancelled"], "the end of the second job")

    def test_a_job_is_cancelled_and_retried(self):
        job = self.submit({"function": "absent", "items": ["a", "b", "c"]})["job"]
        shown = self.asked(200, "POST", f"/v1/jobs/{job}/cancel", {"tasks": [0, 1]}, token=self.me).json
        self.assertEqual(shown["cancelled"], 1)
        shown = self.asked(200, "POST", f"/v1/jobs/{job}/cancel", token=self.me).json
        self.assertEqual(shown["state"], "cancelled")
        job = self.submit({"function": "fail", "input": "x", "attempts": 1})["job"]
        self.asked(200, "GET", f"/v1/jobs/{job}?wait=30", token=self.me)
        self.assertEqual(self.asked(200, "POST", f"/v1/jobs/{job}/retry", token=self.me).json["retried"], 1)
        self.asked(200, "GET", f"/v1/jobs/{job}?wait=30", token=self.me)
        counted = self.asked(200, "POST", f"/v1/jobs/{job}/retry", {"code": "failed", "dry_run": True}, token=self.me).json
        self.assertEqual((counted["touched"], counted["state"]), (1, "failed"))
        groups = self.asked(200, "GET", f"/v1/jobs/{job}/errors", token=self.me).json
        self.assertEqual((groups["tasks"], [group["count"] for group in groups["groups"]]), (1, [1]))
        for body in ({"tasks": [1, 0]}, {"code": "wrong"}, {"tasks": 1}, {"nothing": 1}, {"dry_run": 1}):
            self.asked(422, "POST", f"/v1/jobs/{job}/retry", body, token=self.me)
        self.assertTrue(self.asked(200, "GET", f"/v1/jobs/{job}/explain", token=self.me).json["explain"])
        self.assertIn("spans", self.asked(200, "GET", f"/v1/jobs/{job}/timeline", token=self.me).json)

    def test_jobs_are_listed_by_conditions_a_page_at_a_time(self):
        first = [self.submit({"function": "absent", "input": "x", "name": f"a{n}"})["job"] for n in range(5)]
        self.submit({"function": "echo", "input": "x", "name": "b"})
        found, after = [], 0
        while after is not None:
            page = self.asked(200, "GET", f"/v1/jobs?name=a*&limit=2&after={after}", token=self.me).json
            self.assertLessEqual(len(page["jobs"]), 2)
            found += [job["job"] for job in page["jobs"]]
            after = page["next"]
        self.assertEqual(found, first[::-1])
        for query, count in (("state=waiting", 5), ("function=absent", 5), ("owner=nobody", 0), ("q=A3", 1), ("state=lost,failed", 0)):
            self.assertEqual(len(self.asked(200, "GET", f"/v1/jobs?{query}", token=self.me).json["jobs"]), count, query)
        self.asked(422, "GET", "/v1/jobs?state=asleep", token=self.me)

    def test_a_paused_job_gets_no_leases_until_it_is_resumed(self):
        job = self.submit({"function": "absent", "input": "x"})["job"]
        shown = self.asked(200, "POST", f"/v1/jobs/{job}/pause", token=self.me).json
        self.assertTrue(shown["paused"])
        self.assertTrue(self.asked(200, "GET", f"/v1/jobs/{job}", token=self.me).json["paused"])
        self.assertFalse(self.asked(200, "POST", f"/v1/jobs/{job}/resume", token=self.me).json["paused"])
        self.assertFalse(self.asked(200, "GET", f"/v1/jobs/{job}", token=self.me).json["paused"])

    def test_many_clients_that_look_at_a_job_cost_the_broker_little(self):
        job = self.submit({"function": "absent", "input": "x"})["job"]
        answers = [self.ask("GET", f"/v1/jobs/{job}", token=self.me) for _ in range(300)]
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual(len({answer.headers["ETag"] for answer in answers}), 1)

    def test_workers_and_functions_are_listed(self):
        workers = self.asked(200, "GET", "/v1/workers", token=self.me).json["workers"]
        self.assertEqual([worker["worker"] for worker in workers], ["w"])
        self.assertEqual(self.asked(200, "GET", "/v1/workers/w", token=self.me).json["slots"], 2)
        names = {one["function"] for one in self.asked(200, "GET", "/v1/functions", token=self.me).json["functions"]}
        self.assertIn("echo", names)
        self.assertEqual(self.asked(200, "GET", "/v1/broker", token=self.me).json["workers"], 1)
        self.asked(404, "GET", "/v1/workers/nobody", token=self.me)

    def test_invalid_bodies_are_refused_with_a_reason(self):
        for body, word in (({}, "function"), ({"function": "echo"}, "exactly one"), ({"function": "echo", "input": 1, "items": []}, "exactly one"),
                           ({"function": "echo", "input": 1, "prioritty": 2}, "prioritty"), ({"function": "echo", "input": 1, "priority": "high"}, "priority"),
                           ({"function": "sum", "range": [2, 1]}, "range"), ({"function": "sum", "range": [1.5, 2]}, "range"),
                           ({"function": "sum", "range": [2**63, 2**63 + 5]}, "range"),
                           ({"function": "echo", "input": 1, "attempts": 0}, "attempts"), ({"function": "echo", "input": 1, "timeout_s": -1}, "timeout_s"),
                           ({"function": "echo", "items": {"a": 1}}, "items"), ({"function": "echo", "input": {"base64": "%"}}, "base64"),
                           ({"function": "echo", "input": 1, "weight": 1e400}, ""), ([], "object")):
            answer = self.ask("POST", "/v1/jobs", json.dumps(body).encode(), token=self.me, Content_Type=JSON)
            self.assertIn(answer.status, (400, 422), (body, answer))
            self.assertIn(word, answer.json["detail"])
        for query in ("limit=0", "limit=1000000000", "limit=x", "limit=-1", "limit="):
            self.asked(422, "GET", f"/v1/jobs?{query}", token=self.me)
        for job in ("0", "-1", "x", "99999999999999999999999", "1e3"):
            self.asked(404, "GET", f"/v1/jobs/{job}", token=self.me)
        self.asked(404, "GET", "/v1/jobs/12345", token=self.me)
        self.asked(415, "POST", "/v1/jobs", b"x", token=self.me, Content_Type="text/plain")
        self.asked(413, "POST", "/v1/jobs", b" " * (1 << 20) + b"{}", token=self.me, Content_Type=JSON)

    def test_unknown_paths_and_methods_are_named(self):
        self.asked(404, "GET", "/v1/nothing", token=self.me)
        self.assertIn("GET", self.asked(405, "DELETE", "/v1/workers", token=self.me).headers["Allow"])
        head = self.asked(200, "HEAD", "/v1/workers", token=self.me)
        self.assertEqual(head.body, b"")
        self.assertGreater(int(head.headers["Content-Length"]), 0)


class EventStream:
    """Server-sent events of one connection."""

    def __init__(self, rig, token, query="", last=None):
        self.plug = rig.connect()
        again = f"Last-Event-ID: {last}\r\n" if last else ""
        self.plug.sendall(f"GET /v1/events{query} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{again}\r\n".encode())
        self.file = self.plug.makefile("r")
        self.head = []
        while (line := self.file.readline().strip()):
            self.head.append(line)

    def next(self):
        """The next event as (id, name, data)."""
        event = {}
        for line in self.file:
            name, _, text = line.rstrip("\n").partition(": ")
            if name:
                event[name] = text
            elif "event" in event:
                return event["id"], event["event"], json.loads(event["data"])
            else:
                event = {}
        raise AssertionError("the stream ended")


class Events(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_gateway()
        self.me = self.token("me", "--role", "submit,read")

    def submit(self):
        return self.asked(201, "POST", "/v1/jobs", {"function": "absent", "input": "x"}, token=self.me).json["job"]

    def test_what_changes_is_told_and_what_was_missed_is_replayed(self):
        stream = EventStream(self, self.me)
        self.assertIn("200", stream.head[0])
        first, name, _ = stream.next()
        self.assertEqual(name, "resync")
        job = self.submit()
        seen, name, data = stream.next()
        self.assertEqual((name, data["job"], data["state"]), ("job", job, "waiting"))
        stream.plug.close()
        stream.file.close()
        self.ok("cancel", job)
        again = EventStream(self, self.me, last=seen)
        _, name, data = again.next()
        self.assertEqual((name, data["job"], data["state"]), ("job", job, "cancelled"))
        replayed = EventStream(self, self.me, last=first)
        self.assertEqual(replayed.next()[2]["state"], "waiting")
        self.assertEqual(EventStream(self, self.me, last="0000.5").next()[1], "resync")

    def test_topics_are_chosen(self):
        self.asked(422, "GET", "/v1/events?topics=all", token=self.me)
        stream = EventStream(self, self.me, "?topics=workers")
        stream.next()
        self.submit()
        self.start_worker("late")
        _, name, data = stream.next()
        self.assertEqual((name, data["worker"]), ("worker", "late"))

    def test_an_event_stream_costs_the_broker_nothing_when_nobody_watches(self):
        for _ in range(3):
            stream = EventStream(self, self.me)
            stream.next()
            stream.plug.close()
            stream.file.close()
        self.gateway.send(signal.SIGTERM)
        self.assertEqual(self.gateway.finish().code, 0)


if __name__ == "__main__":
    unittest.main()
