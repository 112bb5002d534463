"""quern-gateway: who may do what over HTTP, and requests that other servers have been fooled with."""

import http.client
import json
import signal
import unittest

from rig import wait_until
from web import WebRig

LINES = "application/x-ndjson"


class Rights(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_gateway()

    def test_every_route_needs_a_token(self):
        for method, path in (("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("GET", "/v1/workers"), ("GET", "/metrics"), ("GET", "/v1/jobs/1/results")):
            answer = self.asked(401, method, path, b"{}" if method == "POST" else None)
            self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
        for token in ("x", "qk1-short", "qk1-" + "A" * 43, "qk1-" + "A" * 5000):
            self.asked(401, "GET", "/v1/jobs", token=token)

    def test_a_token_has_the_rights_of_its_line(self):
        reads = self.token("reads", "--role", "read")
        self.asked(403, "POST", "/v1/jobs", {"function": "echo", "input": 1}, token=reads)
        only = self.token("only", "--role", "submit,read", "--functions", "sum")
        self.asked(403, "POST", "/v1/jobs", {"function": "echo", "input": 1}, token=only)
        job = self.asked(201, "POST", "/v1/jobs", {"function": "sum", "range": [1, 2]}, token=only).json["job"]
        other = self.token("other", "--role", "submit,read")
        self.asked(403, "GET", f"/v1/jobs/{job}", token=other)
        self.assertEqual(self.asked(200, "GET", "/v1/jobs", token=other).json["jobs"], [])

    def test_commands_run_only_for_a_key_that_names_exec(self):
        anybody = self.token("anybody", "--role", "submit,read")
        self.asked(403, "POST", "/v1/jobs", {"function": "exec", "input": "id"}, token=anybody)
        self.asked(403, "POST", "/v1/jobs?function=exec", b'"id"\n', token=anybody, Content_Type=LINES)

    def test_a_revoked_token_ends_at_once(self):
        token = self.token("goes", "--role", "submit,read")
        self.asked(200, "GET", "/v1/jobs", token=token)
        self.ok("keys", "revoke", "goes")
        wait_until(lambda: self.ask("GET", "/v1/jobs", token=token).status == 401, "the end of the token")

    def test_the_events_of_a_revoked_key_end(self):
        token = self.token("watcher", "--role", "read")
        connection = http.client.HTTPConnection(self.address, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        while b"event: resync" not in response.readline():
            pass  # the stream is open
        self.ok("keys", "revoke", "watcher")
        rest = response.read().decode()  # to the end of the answer
        self.assertIn("event: end\n", rest)
        self.assertIn("revoked", json.loads(rest.split("data: ")[-1])["detail"])
        self.asked(401, "GET", "/v1/events", token=token)

    def test_an_address_that_is_not_in_the_line_is_refused(self):
        token = self.token("far", "--role", "read", "--from", "10.9.9.0/24")
        self.asked(403, "GET", "/v1/jobs", token=token)

    def test_who_guesses_tokens_has_to_wait(self):
        for n in range(20):
            self.ask("GET", "/v1/jobs", token=f"qk1-{n:043}")
        self.assertEqual(self.asked(429, "GET", "/v1/jobs", token="qk1-" + "B" * 43).headers["Retry-After"], "60")
        self.asked(200, "GET", "/v1/jobs", token=self.token("valid", "--role", "read"))  # others behind the address go on

    def test_no_token_is_in_a_log_or_an_error(self):
        token = self.token("secret", "--role", "read")
        self.ask("GET", "/v1/jobs", token=token)
        self.ask("GET", "/v1/jobs", token=token[:-1])
        self.assertNotIn(token[:20], self.gateway.err + self.broker.err)


class Hostile(WebRig):
    """Requests that other servers have been fooled with."""

    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_gateway()

    def status(self, text):
        answer = self.raw(text)
        return int(answer.split(" ", 2)[1]) if answer.startswith("HTTP/1.") else 0

    def test_ambiguous_requests_are_refused(self):
        end = "\r\n\r\n"
        for head in ("GET /livez HTTP/1.1",  # no Host
                     "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost",
                     "POST /add_task HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
                     "POST /add_task HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2",
                     "POST /add_task HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1",
                     "POST /add_task HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1",
                     "POST /add_task HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked",
                     "POST /add_task HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked",
                     "POST /add_task HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                     "POST /add_task HTTP/1.1\r\nHost : localhost", "GET /livez HTTP/1.1\nHost: localhost", "GET /livez HTTP/2.0\r\nHost: localhost",
                     "GET livez HTTP/1.1\r\nHost: localhost", "GET http://localhost/livez HTTP/1.1\r\nHost: localhost", "GET /%zz HTTP/1.1\r\nHost: localhost",
                     "GET /%00 HTTP/1.1\r\nHost: localhost", "GET /../livez HTTP/1.1\r\nHost: localhost", "\x16\x03\x01\x02\x00", "GET", "G\x00T / HTTP/1.1"):
            status = self.status(head + end)
            self.assertTrue(status == 0 or 400 <= status < 600, (head, status))
            self.assertNotEqual(status, 500, head)
        self.assertEqual(self.status("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), 200)

    def test_a_smuggled_request_is_not_answered(self):
        answer = self.raw("POST /add_task HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(answer.count("HTTP/1.1 "), 1, answer)

    def test_a_foreign_host_is_refused(self):
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "[::2]", "", "localhost:x", "10.0.0.1"):
            self.assertIn(self.status(f"GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"), (400, 421), host)

    def test_requests_of_other_sites_are_refused_with_every_method(self):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"):
            for field in ("Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"):
                text = f"{method} /add_task HTTP/1.1\r\nHost: localhost\r\n{field}\r\nConnection: close\r\n\r\n"
                self.assertEqual(self.status(text), 403, (method, field))

    def test_a_large_head_is_refused(self):
        self.assertEqual(self.status("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + "a" * 9000 + "\r\n\r\n"), 431)
        self.assertIn(self.status("GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), (400, 431))

    def test_pipelined_requests_are_answered_in_order(self):
        one = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = self.raw(one * 20 + last)
        self.assertEqual(answer.count("HTTP/1.1 200"), 20)
        self.assertEqual(answer.count("HTTP/1.1 404"), 1)

    def test_silent_connections_do_not_disturb_others(self):
        plugs = [self.connect() for _ in range(200)]
        for plug in plugs[::2]:
            plug.sendall(b"GET /liv")
        self.asked(200, "GET", "/livez")
        for plug in plugs[:2]:
            self.assertEqual(plug.recv(100), b"")  # ended, because no head came

    def test_an_address_has_a_limited_number_of_connections(self):
        self.gateway.send(signal.SIGTERM)
        self.assertEqual(self.gateway.finish().code, 0)
        self.start_gateway("--per-address", "10")
        plugs = [self.connect() for _ in range(10)]
        answer = wait_until(lambda: (lambda a: a if a.status == 429 else None)(self.ask("GET", "/livez")), "the limit")
        self.assertEqual(answer.headers["Retry-After"], "5")
        for plug in plugs:
            plug.close()
        wait_until(lambda: self.ask("GET", "/livez").status == 200, "room again")


class Files(WebRig):
    def test_a_key_that_only_reads_gives_no_files(self):
        self.start_broker()
        self.start_gateway()
        self.asked(403, "PUT", "/v1/blobs/" + "0" * 64, b"x", token=self.token("reader", "--role", "read"))


if __name__ == "__main__":
    unittest.main()
