"""A gateway for tests, and requests to it: through http.client, and byte by byte."""

import http.client
import json
import socket

from rig import BIN, PATIENCE, Rig


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:1000]!r}"


class WebRig(Rig):
    """A broker, and a gateway that starts with start_gateway()."""

    def start_gateway(self, *options, listen="127.0.0.1:0", seed=True):
        words = [BIN / "quern-gateway", "--listen", listen, *options]
        if seed and "--insecure" not in options:
            words += ["--seed-token", self.seed_token()]
        gateway = self.start(words)
        ready = gateway.line()
        self.assertTrue(ready.startswith("ready "), f"{ready!r}; {gateway.err}")
        self.gateway, self.url, *login = gateway, *ready.split(" ")[1:]
        self.link = login[0] if login else None
        self.address = self.url.split("://")[-1]
        return gateway

    def seed_token(self):
        path = self.folder / "seed.token"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(self.token("seed", "--role", "submit,read", "--functions", "sum"))
        return path

    def token(self, name, *limits):
        return self.ok("keys", "token", name, *limits).out.strip()

    def ask(self, method, path, body=None, token=None, patience=PATIENCE, **headers):
        """One request on a connection of its own. `body`: bytes, or anything else as JSON."""
        connection = http.client.HTTPConnection(self.address, timeout=patience)
        try:
            headers = {name.replace("_", "-"): text for name, text in headers.items()}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
                headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def asked(self, status, method, path, *rest, **options):
        """The same, but the answer must have that status."""
        answer = self.ask(method, path, *rest, **options)
        self.assertEqual(answer.status, status, answer)
        if status >= 400 and path.startswith("/v1/"):
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
            self.assertEqual(answer.json["status"], status)
            self.assertTrue(answer.json["detail"].endswith("."), answer)
        return answer

    def connect(self):
        host, port = self.address.rsplit(":", 1)
        plug = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.addCleanup(plug.close)
        return plug

    def raw(self, text):
        """What the gateway answers to these bytes, until it closes the connection."""
        plug = self.connect()
        plug.sendall(text if isinstance(text, bytes) else text.encode())
        answer = b""
        while True:
            try:
                more = plug.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            answer += more
        return answer.decode(errors="replace")
