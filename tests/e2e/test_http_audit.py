"""The audit log over HTTP."""

import unittest

from web import WebRig


class HttpAudit(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_gateway()
        self.admin = self.token("boss", "--role", "submit,read,admin")
        self.me = self.token("me", "--role", "submit,read")

    def records(self, query="", **options):
        return self.asked(200, "GET", "/v1/audit" + query, token=self.admin, **options).json

    def test_the_newest_records_come_first_page_by_page(self):
        for name in ("first", "second", "third"):
            self.asked(201, "POST", "/v1/jobs", {"function": "echo", "input": name}, token=self.me)
        everything = self.records("?limit=1000")["records"]
        numbers = [record["n"] for record in everything]
        self.assertEqual(numbers, list(range(numbers[0], 0, -1)))
        submits = self.records("?text=submit")["records"]
        self.assertGreaterEqual(len(submits), 3)
        self.assertEqual({record["who"] for record in submits if record["action"] == "submit"}, {"me"})
        paged, after = [], ""
        while True:
            page = self.records("?limit=2" + after)
            paged += page["records"]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        self.assertEqual([record["n"] for record in paged][-len(everything):], numbers)

    def test_only_admins_see_it(self):
        self.asked(403, "GET", "/v1/audit", token=self.me)
        self.asked(401, "GET", "/v1/audit")


if __name__ == "__main__":
    unittest.main()
