"""Items that are appended to an open job over HTTP."""

import unittest

from web import WebRig


class HttpAppend(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w")
        self.start_gateway()
        self.me = self.token("me", "--role", "submit,read")
        made = self.asked(201, "POST", "/v1/jobs", {"function": "echo", "open": True}, token=self.me).json
        self.job = f"/v1/jobs/{made['job']}"

    def append(self, status, body, path="/items", **headers):
        return self.asked(status, "POST", self.job + path, body, token=self.me, **headers).json

    def results(self):
        return [line["result"] for line in self.asked(200, "GET", self.job + "/results", token=self.me).lines if "result" in line]

    def test_items_are_appended_until_the_job_is_closed(self):
        self.assertEqual(self.append(200, {"items": ["a", {"b": 1}]})["total"], 2)
        shown = self.append(200, {"items": ["c"], "close": True})
        self.assertEqual((shown["total"], shown["appended"], shown["open"]), (3, 1, False))
        self.assertEqual(self.results(), ["a", '{"b":1}', "c"])
        self.assertIn("closed", self.append(422, {"items": ["d"]})["detail"])

    def test_a_repeated_request_with_an_index_appends_nothing_twice(self):
        self.append(200, {"items": ["a", "b"], "first": 0})
        self.assertIn("has 2 items", self.append(409, {"items": ["a", "b"], "first": 0})["detail"])
        self.append(200, {"items": [], "close": True})
        self.assertEqual(self.results(), ["a", "b"])

    def test_a_stream_of_lines_is_appended_as_it_comes(self):
        count = 30_000
        lines = "".join(f'"{i}"\n' for i in range(count)).encode()
        shown = self.append(200, lines, "/items?close=true", Content_Type="application/x-ndjson")
        self.assertEqual((shown["total"], shown["appended"], shown["open"]), (count, count, False))
        self.assertEqual(self.results(), [str(i) for i in range(count)])

    def test_a_bad_line_says_how_many_were_appended(self):
        detail = self.append(422, b'"a"\nnot json\n', Content_Type="application/x-ndjson")["detail"]
        self.assertIn("Line 2", detail)
        self.assertIn("0 items of the body", detail)

    def test_a_stream_that_meets_another_one_says_how_much_was_appended(self):
        self.append(200, {"items": ["a"]})
        detail = self.append(409, b'"b"\n', "/items?first=0", Content_Type="application/x-ndjson")["detail"]
        self.assertIn("0 items of the body were appended", detail)

    def test_parameters_do_not_belong_to_a_json_body(self):
        self.assertIn("first", self.append(422, {"items": ["a"]}, "/items?first=0")["detail"])

    def test_what_cannot_be_appended_is_named(self):
        self.assertIn("items", self.append(422, {})["detail"])
        self.assertIn("colour", self.append(422, {"items": [], "colour": 1})["detail"])
        self.assertIn("first", self.append(422, {"items": [], "first": -1})["detail"])
        self.asked(404, "POST", "/v1/jobs/99/items", {"items": ["a"]}, token=self.me)

    def test_another_key_cannot_append(self):
        other = self.token("other", "--role", "submit,read")
        self.asked(403, "POST", self.job + "/items", {"items": ["a"]}, token=other)
        self.asked(403, "POST", self.job + "/close", token=other)

    def test_the_job_outlives_the_gateway(self):
        self.append(200, {"items": ["a"]})
        self.gateway.kill()
        self.start_gateway()
        self.append(200, {"items": ["b"], "first": 1, "close": True})
        self.assertEqual(self.results(), ["a", "b"])


if __name__ == "__main__":
    unittest.main()
