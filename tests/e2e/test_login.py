"""How a browser logs in to the gateway: a code that works once, a token, a cookie."""

import unittest

from rig import wait_until
from web import WebRig

HERE = {"Sec_Fetch_Site": "same-origin"}


class Login(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.me = self.token("me", "--role", "submit,read")
        file = self.folder / "page.token"
        file.touch(mode=0o600)
        file.write_text(self.token("page", "--role", "submit,work,read,admin"))
        self.options = ("--login-token", file)
        self.start_gateway(*self.options)
        self.code = self.link.split("#login=")[1]

    def log_in(self, body, status=200, **headers):
        answer = self.asked(status, "POST", "/v1/session", body, **headers)
        return answer.headers["Set-Cookie"].split(";")[0] if status == 200 else answer

    def test_the_link_logs_in_once(self):
        cookie = self.log_in({"code": self.code})
        who = self.asked(200, "GET", "/v1/session", Cookie=cookie).json
        self.assertEqual((who["name"], who["roles"]), ("page", ["submit", "work", "read", "admin"]))
        self.asked(200, "GET", "/v1/jobs", Cookie=cookie)
        self.log_in({"code": self.code}, 401)

    def test_a_token_logs_in_with_its_own_rights(self):
        cookie = self.log_in({"token": self.me})
        who = self.asked(200, "GET", "/v1/session", Cookie=cookie).json
        self.assertEqual((who["name"], who["roles"], who["functions"]), ("me", ["submit", "read"], None))
        self.asked(403, "POST", "/v1/workers/w/drain", Cookie=cookie, **HERE)

    def test_the_cookie_is_for_the_page_only(self):
        attributes = self.asked(200, "POST", "/v1/session", {"token": self.me}).headers["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Strict", "Max-Age="):
            self.assertIn(word, attributes)
        self.assertNotIn("Path", attributes)
        self.assertNotIn(self.me, attributes)

    def test_what_changes_something_must_come_from_the_page(self):
        cookie = self.log_in({"token": self.me})
        job = {"function": "echo", "input": "x"}
        self.asked(201, "POST", "/v1/jobs", job, Cookie=cookie, **HERE)
        self.asked(201, "POST", "/v1/jobs", job, Cookie=cookie, Origin=f"http://{self.address}")
        self.asked(403, "POST", "/v1/jobs", job, Cookie=cookie)
        for site in ("cross-site", "same-site", "none"):
            self.asked(403, "POST", "/v1/jobs", job, Cookie=cookie, Sec_Fetch_Site=site)
        self.asked(403, "POST", "/v1/jobs", job, Cookie=cookie, Origin="http://evil.example")
        self.asked(403, "POST", "/v1/jobs", job, Cookie=cookie, Origin="null")

    def test_a_changed_cookie_is_none(self):
        cookie = self.log_in({"token": self.me})
        for wrong in (cookie[:-2] + ("AA" if not cookie.endswith("AA") else "BB"), cookie.split("=")[0] + "=", "quern=1", "; ;=;"):
            self.asked(401, "GET", "/v1/session", Cookie=wrong)
        self.asked(200, "GET", "/v1/session", Cookie=f"a=1; {cookie}; b=2")

    def test_a_login_survives_the_gateway_and_ends_with_its_key(self):
        cookie = self.log_in({"token": self.me})
        self.gateway.kill()
        self.start_gateway(*self.options)
        self.asked(200, "GET", "/v1/session", Cookie=cookie)
        self.ok("keys", "revoke", "me")
        wait_until(lambda: self.ask("GET", "/v1/session", Cookie=cookie).status == 401, "the end of the login")

    def test_a_logout_takes_the_cookie_away(self):
        answer = self.ask("DELETE", "/v1/session", Cookie=self.log_in({"token": self.me}), **HERE)
        self.assertEqual(answer.status, 204)
        self.assertIn("Max-Age=0", answer.headers["Set-Cookie"])

    def test_wrong_codes_are_slowed_down(self):
        for _ in range(20):
            self.log_in({"code": "wrong"}, 401)
        self.log_in({"code": "wrong"}, 429)
        self.log_in({"code": self.code})

    def test_mistakes_are_named(self):
        for body in ({}, {"token": self.me, "code": "x"}, {"password": "x"}):
            self.log_in(body, 422)

    def test_a_link_from_another_site_leads_to_the_page_only(self):
        visit = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
        self.assertNotEqual(self.ask("GET", "/", **visit).status, 403)
        self.asked(403, "GET", "/v1/jobs", **visit)
        self.assertEqual(self.ask("GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status, 403)


if __name__ == "__main__":
    unittest.main()
