"""Work for people: items, answers of several people, agreement, gold."""

import unittest

from rig import wait_until
from web import WebRig


class People(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        file = self.folder / "people.token"
        file.touch(mode=0o600)
        file.write_text(self.token("people", "--role", "work,read,admin"))
        self.options = ("--people-token", file)
        self.start_gateway(*self.options)
        self.me = self.token("me", "--role", "submit,read")
        self.boss = self.token("boss", "--role", "submit,read,admin")
        self.people = {name: self.token(name, "--role", "work") for name in ("ann", "bob", "eve")}

    def submit(self, items, **people):
        job = {"function": "label", "items": items, "people": people}
        return self.asked(201, "POST", "/v1/jobs", job, token=self.me).json["job"]

    def pull(self, name, wait_s=10, **more):
        body = {"functions": ["label"], "people": True, "wait_s": wait_s, "lock_s": 600, **more}
        leases = self.asked(200, "POST", "/v1/leases", body, token=self.people[name]).json["leases"]
        return leases[0] if leases else None

    def say(self, name, lease, verb, body=None, status=200):
        return self.asked(status, "POST", f"/v1/leases/{lease['token']}/{verb}", body or {}, token=self.people[name]).json

    def answer(self, name, result):
        lease = self.pull(name)
        self.assertIsNotNone(lease, name)
        self.say(name, lease, "complete", {"result": result})
        return lease

    def results(self, job):
        self.asked(200, "GET", f"/v1/jobs/{job}?wait=30", token=self.me)
        return [line["result"] for line in self.asked(200, "GET", f"/v1/jobs/{job}/results", token=self.me).lines if "result" in line]

    def test_an_item_is_done_when_enough_people_agree(self):
        job = self.submit([{"input": "a picture", "gold": "cat"}], answers=3, agree=2, title="What is it?",
                          schema={"enum": ["cat", "dog"]})
        lease = self.answer("ann", "cat")
        self.assertEqual((lease["input"], lease["title"], lease["schema"]), ("a picture", "What is it?", {"enum": ["cat", "dog"]}))
        self.assertNotIn("gold", str(lease))
        self.assertIsNone(self.pull("ann", wait_s=0), "nobody answers twice")
        self.answer("bob", "dog")
        self.answer("eve", "cat")
        result = self.results(job)[0]
        self.assertEqual((result["answer"], result["agreed"], result["votes"], result["gold"]), ("cat", True, 2, "cat"))
        self.assertEqual([one["by"] for one in result["answers"]], ["ann", "bob", "eve"])
        people = {one["name"]: one for one in self.asked(200, "GET", "/v1/people", token=self.boss).json["people"]}
        self.assertEqual((people["ann"]["gold_right"], people["bob"]["gold_right"], people["bob"]["agreed"]), (1, 0, 0))
        self.asked(403, "GET", "/v1/people", token=self.me)

    def test_two_people_never_get_an_item_that_needs_one_answer(self):
        self.submit(["x"])
        lease = self.pull("ann")
        self.assertIsNone(self.pull("bob", wait_s=0))
        self.say("ann", lease, "release")
        self.assertEqual(self.pull("bob")["input"], "x")
        self.assertIsNone(self.pull("ann", wait_s=0), "she has skipped it")

    def test_a_lock_that_is_over_gives_the_item_to_others(self):
        self.submit(["x"])
        lease = self.pull("ann", lock_s=0.2)
        self.assertEqual(self.pull("bob")["input"], "x")
        self.say("ann", lease, "complete", {"result": 1}, 409)

    def test_a_repeated_answer_counts_once(self):
        job = self.submit(["x"], answers=2, agree=2)
        lease = self.answer("ann", 1)
        self.say("ann", lease, "complete", {"result": 1})
        self.answer("bob", 1)
        self.assertEqual(self.results(job)[0]["votes"], 2)

    def test_a_repeated_request_gets_the_same_item(self):
        self.submit(["x", "y"])
        lease = self.pull("ann", request_id="r1")
        again = self.pull("ann", request_id="r1", wait_s=0)
        self.assertEqual(again, lease)
        other = self.pull("ann", request_id="r2")
        self.assertNotEqual(other["input"], lease["input"])
        self.assertIsNone(self.pull("bob", request_id="r1", wait_s=0), "it is the request of somebody else")
        self.say("ann", lease, "complete", {"result": 1})
        self.assertIsNone(self.pull("ann", request_id="r1", wait_s=0), "an item that is answered is not given again")

    def test_a_repetition_takes_the_place_of_a_request_that_still_waits(self):
        plug = self.connect()
        body = b'{"functions": ["label"], "people": true, "wait_s": 60, "request_id": "r"}'
        head = f"POST /v1/leases HTTP/1.1\r\nHost: {self.address}\r\nAuthorization: Bearer {self.people['ann']}\r\nContent-Length: {len(body)}\r\n\r\n"
        plug.sendall(head.encode() + body)
        wait_until(lambda: any(worker["worker"] == "people" for worker in self.workers()), "the gateway asks for items")
        self.assertIsNone(self.pull("ann", request_id="r", wait_s=0.5))
        self.assertIn(b'"leases":[]', plug.recv(65536), "the first one is answered")
        job = self.submit(["x"])
        self.answer("bob", "y")
        self.assertEqual(self.results(job)[0]["answer"], "y")

    def test_answers_survive_the_kill_of_the_gateway(self):
        job = self.submit(["x"], answers=2, agree=2)
        self.answer("ann", "rye")
        self.gateway.kill()
        self.start_gateway(*self.options)
        self.assertIsNone(self.pull("ann", wait_s=0))
        lease = wait_until(lambda: self.pull("bob", wait_s=1), "the item is granted again")
        self.say("bob", lease, "complete", {"result": "rye"})
        self.assertEqual(self.results(job)[0]["votes"], 2)

    def test_an_item_of_a_cancelled_job_is_not_wanted_any_more(self):
        job = self.submit(["x"])
        lease = self.pull("ann")
        self.asked(200, "POST", f"/v1/jobs/{job}/cancel", token=self.me)
        wait_until(lambda: not self.asked(200, "GET", "/v1/people", token=self.boss).json["open"], "the item is dropped")
        self.say("ann", lease, "complete", {"result": 1}, 409)

    def test_somebody_who_leaves_while_waiting_costs_no_item(self):
        plug = self.connect()
        body = b'{"functions": ["label"], "people": true, "wait_s": 60}'
        head = f"POST /v1/leases HTTP/1.1\r\nHost: {self.address}\r\nAuthorization: Bearer {self.people['ann']}\r\nContent-Length: {len(body)}\r\n\r\n"
        plug.sendall(head.encode() + body)
        wait_until(lambda: any(worker["worker"] == "people" for worker in self.workers()), "the gateway asks for items")
        plug.close()
        job = self.submit(["x"])
        self.answer("bob", "y")
        self.assertEqual(self.results(job)[0]["answer"], "y")

    def test_an_item_that_is_nested_very_deeply_does_not_end_the_gateway(self):
        self.submit(["[" * 100_000 + "]" * 100_000])
        self.assertTrue(self.pull("ann")["input"].startswith("[[["))
        self.asked(200, "GET", "/v1/session", token=self.me)

    def test_somebody_elses_token_is_of_no_use(self):
        self.submit(["x"])
        lease = self.pull("ann")
        self.say("bob", lease, "complete", {"result": 1}, 409)
        self.say("ann", lease, "complete", {"result": 1})

    def test_an_item_that_cannot_be_answered_fails(self):
        job = self.submit(["x"])
        self.say("ann", self.pull("ann"), "fail", {"error": "the picture is missing"})
        self.assertEqual(self.asked(200, "GET", f"/v1/jobs/{job}?wait=30", token=self.me).json["failed"], 1)

    def test_mistakes_are_named(self):
        for people, part in (({"answers": 0}, "answers"), ({"answers": 2, "agree": 3}, "agree"), ({"colour": 1}, "colour"),
                             ({"schema": "x"}, "schema")):
            answer = self.asked(422, "POST", "/v1/jobs", {"function": "label", "items": ["x"], "people": people}, token=self.me)
            self.assertIn(part, answer.json["detail"])
        self.asked(403, "POST", "/v1/leases", {"functions": ["label"], "people": True}, token=self.me)


class Restarts(WebRig):
    def test_answers_to_a_job_of_an_earlier_broker_do_not_count(self):
        self.start_broker()
        file = self.folder / "people.token"
        file.touch(mode=0o600)
        file.write_text(self.token("people", "--role", "work"))
        self.start_gateway("--people-token", file)
        me, ann = self.token("me", "--role", "submit,read"), self.token("ann", "--role", "work")
        pull = {"functions": ["label"], "people": True, "wait_s": 20, "lock_s": 600}
        for _ in range(2):
            job = {"function": "label", "items": ["x"], "people": {"answers": 2, "agree": 2}}
            self.assertEqual(self.asked(201, "POST", "/v1/jobs", job, token=me).json["job"], 1)
            lease = wait_until(lambda: self.ask("POST", "/v1/leases", pull, token=ann).json.get("leases"), "an item")[0]
            self.asked(200, "POST", f"/v1/leases/{lease['token']}/complete", {"result": "y"}, token=ann)
            self.restart_broker()
            wait_until(lambda: self.ask("GET", "/readyz").status == 200, "the broker")


class Nobody(WebRig):
    def test_a_gateway_without_a_token_for_people_says_so(self):
        self.start_broker()
        self.start_gateway()
        ann = self.token("ann", "--role", "work")
        answer = self.asked(501, "POST", "/v1/leases", {"functions": ["label"], "people": True}, token=ann)
        self.assertIn("--people-token", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
