"""Pull workers: programs that run tasks over HTTP, through quern-gateway, with real processes."""

import concurrent.futures
import http.client
import json
import signal
import threading
import unittest

from rig import TOP, stop_gently, wait_until
from web import WebRig

EXAMPLES = TOP / "sdk" / "examples"


class Puller:
    """A client of the gateway with one connection."""

    def __init__(self, address, token, name="p"):
        self.token, self.name = token, name
        self.connection = http.client.HTTPConnection(address, timeout=120)

    def send(self, path, fields):
        self.connection.request("POST", path, json.dumps(fields), {
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})

    def receive(self):
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def post(self, path, **fields):
        self.send(path, fields)
        return self.receive()

    def pull(self, function, **fields):
        fields = {"functions": [function], "wait_s": 20, "worker": self.name, **fields}
        status, answer = self.post("/v1/leases", **fields)
        assert status == 200, answer
        return answer

    def say(self, token, what, **fields):
        return self.post(f"/v1/leases/{token}/{what}", **fields)

    def close(self):
        self.connection.close()


class Pulls(WebRig):
    store = "jobs.db"

    def setUp(self):
        super().setUp()
        self.start_broker()
        self.key = self.token("puller", "--role", "work")
        self.start_gateway()

    def restart_gateway(self, number):
        self.gateway.send(number)
        self.gateway.finish()
        self.start_gateway(listen=self.address)

    def puller(self, name="p", token=None):
        puller = Puller(self.address, token or self.key, name)
        self.addCleanup(puller.close)
        return puller

    def job_of(self, function, count, *options):
        items = self.write("items", "".join(f"{i}\n" for i in range(count)))
        return self.submit(function, "--items", items, *options)

    def results(self, number):
        self.ok("wait", number)
        return self.ok("results", number).lines

    def example(self, name):
        self.env.update(QUERN_HTTP=self.url, QUERN_TOKEN=self.key)
        return self.start([EXAMPLES / name])

    # -- one puller

    def test_a_task_is_pulled_completed_and_completed_again(self):
        number = self.job_of("f", 1)
        puller = self.puller()
        answer = puller.pull("f", lock_s=30)
        lease = answer["leases"][0]
        self.assertEqual({key: lease[key] for key in ("job", "task", "function", "attempt", "lock_s", "encoding", "input")},
                         {"job": number, "task": 0, "function": "f", "attempt": 1, "lock_s": 30, "encoding": "raw", "input": "0"})
        for _ in range(2):
            self.assertEqual(puller.say(lease["token"], "complete")[0], 422)  # a forgotten result is no result
            self.assertEqual(puller.say(lease["token"], "complete", result="done"), (200, {"counted": 1, "not_counted": 0}))
        self.assertEqual(self.results(number), ["done"])
        self.assertEqual(puller.say(lease["token"], "fail", error="late")[0], 409)

    def test_integers_of_a_range_are_values(self):
        number = self.submit("f", "--range", "5:8")
        puller, seen = self.puller(), []
        while len(seen) < 3:
            for lease in puller.pull("f", max=10, encoding="value")["leases"]:
                self.assertEqual(lease["encoding"], "value")
                seen.append(lease["input"])
                puller.say(lease["token"], "complete", result=[lease["input"]])
        self.assertEqual(sorted(seen), [5, 6, 7])
        self.assertEqual(self.results(number), ["[5]", "[6]", "[7]"])

    def test_a_pull_without_work_ends_empty(self):
        self.assertEqual(self.puller().pull("f", wait_s=0), {"leases": []})

    def test_the_same_request_id_gets_the_same_answer(self):
        self.job_of("f", 3)
        first = self.puller().pull("f", request_id="r1")
        again = self.puller().pull("f", request_id="r1")
        self.assertEqual(first, again)
        other = self.puller().pull("f", request_id="r2")
        self.assertNotEqual(first["leases"][0]["task"], other["leases"][0]["task"])

    def test_failures_and_releases(self):
        number = self.job_of("f", 1, "--retries", "1")
        puller = self.puller()
        lease = puller.pull("f")["leases"][0]
        self.assertEqual(puller.say(lease["token"], "release")[0], 200)
        lease = puller.pull("f")["leases"][0]
        self.assertEqual(lease["attempt"], 1)
        self.assertEqual(puller.say(lease["token"], "fail", error="went wrong")[0], 200)
        lease = puller.pull("f")["leases"][0]
        self.assertEqual(lease["attempt"], 2)
        self.assertEqual(puller.say(lease["token"], "fail", error="went wrong again")[0], 200)
        self.assertEqual(self.quern("wait", number).code, 1)
        self.assertIn("went wrong again", self.quern("results", number).err)

    def test_an_expired_lock_counts_an_attempt(self):
        number = self.job_of("f", 1)
        puller, other = self.puller("p"), self.puller("q")
        lease = puller.pull("f", lock_s=0.2)["leases"][0]
        again = other.pull("f")["leases"][0]
        self.assertEqual((again["task"], again["attempt"]), (lease["task"], 2))
        self.assertEqual(puller.say(lease["token"], "complete", result="late")[0], 409)
        self.assertEqual(other.say(again["token"], "complete", result="in time")[0], 200)
        self.assertEqual(self.results(number), ["in time"])

    def test_extend_keeps_a_lock_and_tells_of_a_cancellation(self):
        number = self.job_of("f", 1)
        puller = self.puller()
        lease = puller.pull("f", lock_s=30)["leases"][0]
        self.assertEqual(puller.say(lease["token"], "extend", lock_s=40),
                         (200, {"lock_s": 40, "cancelled": False, "cancelled_places": []}))
        self.ok("cancel", number)
        wait_until(lambda: puller.say(lease["token"], "extend")[1]["cancelled"], "the cancellation")
        self.assertEqual(puller.say(lease["token"], "complete", result="x")[0], 409)

    def test_a_batch_is_completed_with_its_token(self):
        number = self.job_of("f", 500)
        puller, done = self.puller(), 0
        while done < 500:
            answer = puller.pull("f", max=100)
            if not answer["leases"]:
                continue
            status, counted = puller.say(answer["batch"], "complete",
                                         results=["r" + lease["input"] for lease in answer["leases"]])
            self.assertEqual((status, counted["not_counted"]), (200, 0))
            done += counted["counted"]
        self.assertEqual(self.results(number), [f"r{i}" for i in range(500)])

    # -- rights

    def test_tokens_belong_to_the_key_that_got_them(self):
        self.job_of("f", 1)
        lease = self.puller().pull("f")["leases"][0]
        other = self.token("other", "--role", "work")
        self.assertEqual(self.puller(token=other).say(lease["token"], "complete", result="x")[0], 409)
        self.assertEqual(self.puller().say(lease["token"], "complete", result="x")[0], 200)

    def test_the_key_needs_the_role_and_the_function(self):
        for name, options, text in (("reader", ["--role", "read"], "role work"),
                                    ("narrow", ["--role", "work", "--functions", "g*"], "may not serve f")):
            token = self.token(name, *options)
            status, answer = self.puller(token=token).post("/v1/leases", functions=["f"])
            self.assertEqual(status, 403)
            self.assertIn(text, answer["detail"])
        self.assertEqual(self.puller(token="nonsense").post("/v1/leases", functions=["f"])[0], 401)

    def test_bad_requests_name_the_field(self):
        puller = self.puller()
        for fields in ({}, {"functions": []}, {"functions": ["f"], "max": 0}, {"functions": ["f"], "wait_s": 61},
                       {"functions": ["f"], "lock_s": 43201}, {"functions": [""]}, {"functions": ["f"], "waits": 1}):
            self.assertEqual(puller.post("/v1/leases", **fields)[0], 422, fields)
        self.assertEqual(puller.say("nonsense", "release")[0], 404)
        self.assertEqual(puller.say("1.x.0", "release")[0], 409)

    # -- what goes wrong

    def test_a_puller_that_leaves_while_it_waits_costs_nothing(self):
        gone = self.puller("gone")
        gone.send("/v1/leases", {"functions": ["f"], "wait_s": 60, "worker": "gone"})
        wait_until(lambda: "http" in self.worker_names(), "the worker of the gateway")
        gone.close()
        number = self.job_of("f", 1)
        puller = self.puller()
        lease = puller.pull("f")["leases"][0]
        self.assertEqual(lease["attempt"], 1)
        puller.say(lease["token"], "complete", result="x")
        self.assertEqual(self.results(number), ["x"])

    def test_a_killed_puller_loses_no_task(self):
        number = self.job_of("f", 10)
        here = {"here": str(TOP / "tests/e2e"), "address": self.address, "token": self.key}
        victim = self.start(["/usr/bin/python3", "-B", "-c", """if True:
            import sys, time
            sys.path.insert(0, %(here)r)
            from test_pull import Puller
            leases = Puller(%(address)r, %(token)r).pull("f", max=10, lock_s=2)["leases"]
            print(len(leases), flush=True)
            time.sleep(1000)""" % here])
        self.assertGreater(int(victim.line()), 0)
        victim.send(signal.SIGKILL)
        puller, attempts = self.puller(), []
        while len(attempts) < 10:
            answer = puller.pull("f", max=10)
            for lease in answer["leases"]:
                attempts.append(lease["attempt"])
                self.assertEqual(puller.say(lease["token"], "complete", result=lease["input"])[0], 200)
        self.assertEqual(self.results(number), [str(i) for i in range(10)])
        self.assertEqual(max(attempts), 2)

    def test_two_of_everything_run_each_task_once(self):
        runs, lock = {}, threading.Lock()
        first = self.address
        self.start_gateway()
        second = self.address
        number = self.job_of("f", 2000)
        over = threading.Event()

        def work(address, name):
            puller = Puller(address, self.key, name)
            while not over.is_set():
                answer = puller.pull("f", max=20, wait_s=0.3)
                for lease in answer["leases"]:
                    with lock:
                        runs[lease["task"]] = runs.get(lease["task"], 0) + 1
                if answer["leases"]:
                    status, _ = puller.say(answer["batch"], "complete", results=[lease["input"] for lease in answer["leases"]])
                    assert status == 200
            puller.close()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            workers = [pool.submit(work, *where) for where in ((first, "a"), (first, "b"), (second, "c"), (second, "d"))]
            self.ok("wait", number)
            over.set()
            for worker in workers:
                worker.result()
        self.assertEqual(self.ok("results", number).lines, [str(i) for i in range(2000)])
        self.assertEqual(set(runs.values()), {1})
        self.assertEqual(len(runs), 2000)

    def restarted(self, number_of_signal):
        """Restarts the gateway while a job runs: nothing is lost, and nothing counts twice."""
        worker = self.example("http_worker.py")
        number = self.job_of("square", 2000)
        wait_until(lambda: self.job(number)["done"] > 10, "the first results")
        self.restart_gateway(number_of_signal)
        self.assertEqual(self.results(number), [str(i * i) for i in range(2000)])
        self.assertTrue(worker.runs(), worker.err)
        job = self.job(number)
        self.assertEqual((job["done"], job["failed"]), (2000, 0))

    def test_a_killed_gateway_loses_nothing(self):
        self.restarted(signal.SIGKILL)

    def test_a_stopped_gateway_loses_nothing(self):
        self.restarted(signal.SIGTERM)

    def test_a_restarted_broker_gets_the_results_of_what_was_pulled_before(self):
        number = self.job_of("f", 3)
        puller = self.puller()
        lease = puller.pull("f", lock_s=60)["leases"][0]
        self.restart_broker()
        status, answer = puller.say(lease["token"], "complete", result="kept")
        while status == 503:
            status, answer = puller.say(lease["token"], "complete", result="kept")
        self.assertEqual(status, 200, answer)
        done = 1
        while done < 3:
            answer = puller.pull("f", max=3)
            if answer["leases"]:
                done += puller.say(answer["batch"], "complete", results=["x"] * len(answer["leases"]))[1]["counted"]
        self.assertEqual(sorted(self.results(number)), ["kept", "x", "x"])

    def test_sigterm_ends_the_gateway_while_pulls_wait(self):
        puller = self.puller()
        puller.send("/v1/leases", {"functions": ["f"], "wait_s": 60})
        wait_until(lambda: "http" in self.worker_names(), "the worker")
        self.assertEqual(stop_gently(self.gateway).code, 0)
        self.assertEqual(puller.receive()[0], 503)

    # -- the examples

    def test_the_example_in_python(self):
        self.example("http_worker.py")
        number = self.job_of("square", 50)
        self.assertEqual(self.results(number), [str(i * i) for i in range(50)])

    def test_the_example_in_shell(self):
        self.example("http_worker.sh")
        number = self.submit("upper", "--items", self.write("words", "wheat\nrye\nbarley bread\n"))
        self.assertEqual(self.results(number), ["WHEAT", "RYE", "BARLEY BREAD"])


if __name__ == "__main__":
    unittest.main()
