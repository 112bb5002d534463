"""quern-gateway as its operator sees it: without a broker, metrics, sockets, TLS, a proxy, options."""

import os
import signal
import socket
import ssl
import subprocess
import unittest

from rig import BIN, wait_until
from web import WebRig


class Operation(WebRig):
    store = "store"

    def test_without_a_broker_the_answer_is_503(self):
        self.start_broker()
        self.start_gateway()
        me = self.token("me", "--role", "submit,read")
        self.asked(200, "GET", "/readyz")
        self.broker.send(signal.SIGKILL)
        self.broker.finish()
        answer = wait_until(lambda: (lambda a: a if a.status == 503 else None)(self.ask("GET", "/v1/jobs", token=me)), "the answer")
        self.assertEqual(answer.headers["Retry-After"], "2")
        self.asked(503, "GET", "/readyz")
        self.asked(200, "GET", "/livez")
        self.start_broker(bind=self.endpoint)
        wait_until(lambda: self.ask("GET", "/readyz").status == 200, "the broker")
        self.asked(200, "GET", "/v1/jobs", token=me)

    def test_metrics_do_not_grow_with_what_clients_ask_for(self):
        self.start_broker()
        self.start_gateway()
        me = self.token("me", "--role", "submit,read")
        for n in range(50):
            self.ask("GET", f"/v1/jobs/{n}", token=me)
            self.ask("GET", f"/nothing/{n}")
        text = self.asked(200, "GET", "/metrics", token=me).text
        self.assertLessEqual(sum(not line.startswith("#") for line in text.splitlines()), 500)
        self.assertIn('quern_http_requests_total{route="/v1/jobs/{job}",code="404"} 50', text)
        self.assertNotIn("/nothing", text)

    def test_a_unix_socket_is_served(self):
        self.start_broker()
        path = self.folder / "http.sock"
        self.start_gateway(listen=f"unix:{path}")
        done = subprocess.run(["curl", "-s", "--unix-socket", path, "http://localhost/livez"], capture_output=True)
        self.assertEqual(done.stdout, b"alive\n")
        self.gateway.send(signal.SIGKILL)
        self.gateway.finish()
        self.start_gateway(listen=f"unix:{path}")  # what was left over is replaced
        self.gateway.send(signal.SIGTERM)
        self.assertEqual(self.gateway.finish().code, 0)
        self.assertFalse(path.exists())

    def test_tls_is_served(self):
        cert, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", cert, "-keyout", key], check=True, capture_output=True)
        self.start_broker()
        self.start_gateway("--tls-cert", cert, "--tls-key", key)
        self.assertTrue(self.url.startswith("https://"))
        done = subprocess.run(["curl", "-s", "--cacert", cert, f"{self.url}/livez"], capture_output=True)
        self.assertEqual(done.stdout, b"alive\n")
        context = ssl.create_default_context(cafile=cert)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        host, port = self.address.split(":")
        with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname="localhost") as plug:
            plug.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200 OK", plug.recv(1000))

    def test_nginx_in_front_with_a_path_prefix(self):
        nginx = next((path for path in ("/usr/sbin/nginx", "/usr/bin/nginx") if os.path.exists(path)), None)
        if not nginx:
            self.skipTest("nginx is not installed: scripts/setup.sh --tests installs it")
        self.start_broker()
        self.start_worker("w")
        self.start_gateway()
        me = self.token("me", "--role", "submit,read")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = self.write("nginx.conf", f"""
            daemon off; pid {self.folder}/nginx.pid; error_log stderr; worker_processes 1;
            events {{ worker_connections 64; }}
            http {{
              access_log off;
              client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
              fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
              server {{
                listen 127.0.0.1:{port};
                location /quern/ {{ proxy_pass {self.url}/; proxy_set_header X-Forwarded-For $remote_addr; }}
              }}
            }}""")
        proxy = self.start([nginx, "-c", config, "-p", self.folder])
        self.address = f"127.0.0.1:{port}"

        def answers():
            try:
                return self.ask("GET", "/quern/livez").status == 200
            except OSError:
                self.assertTrue(proxy.runs(), proxy.err)

        wait_until(answers, "nginx")
        answer = self.ask("POST", "/quern/v1/jobs", {"function": "echo", "items": [str(n) for n in range(1000)]}, token=me)
        self.assertEqual(answer.status, 201, answer)
        lines = self.ask("GET", f"/quern/v1/{answer.headers['Location'].rsplit('/v1/', 1)[-1]}/results", token=me).lines
        self.assertEqual(len(lines), 1001)
        self.assertEqual(self.ask("POST", "/quern/add_task", {"task": 1}).status, 401)
        proxy.send(signal.SIGQUIT)
        proxy.finish()

    def test_ipv6_is_served(self):
        self.start_broker()
        self.start_gateway(listen="[::1]:0")
        done = subprocess.run(["curl", "-s", "-g", f"{self.url}/livez"], capture_output=True)
        self.assertEqual(done.stdout, b"alive\n")

    def test_wrong_options_are_usage_errors(self):
        for words, part in ((("--listen", "nonsense"), "--listen"), (("--listen", "0.0.0.0:80"), "TLS"), (("--tls-cert", "x"), "--tls-key"),
                            (("--listen", "127.0.0.1:99999"), "--listen"), (("--nothing",), "nothing"), (("--seed-token", "/absent"), "no such file"),
                            (("--tls-cert", "/absent", "--tls-key", "/absent"), "/absent"), (("--listen", "192.0.2.1:1", "--insecure"), "this machine")):
            done = subprocess.run([BIN / "quern-gateway", *words], capture_output=True, env=self.env, timeout=60)
            self.assertEqual(done.returncode, 2, (words, done))
            self.assertIn(part, done.stderr.decode(), words)
            self.assertEqual(done.stdout, b"")
        shown = subprocess.run([BIN / "quern-gateway", "--help"], capture_output=True, env=self.env)
        self.assertEqual((shown.returncode, shown.stderr), (0, b""))
        self.assertIn(b"Bearer", shown.stdout)

    def test_without_keys_nobody_needs_a_token(self):
        self.broker_options = ("--insecure",)
        self.env["QUERN_INSECURE"] = "1"
        self.start_broker()
        self.start_gateway("--insecure", seed=False)
        self.assertEqual(self.asked(201, "POST", "/v1/jobs", {"function": "echo", "input": "x"}).json["job"], 1)
        self.asked(403, "POST", "/v1/jobs", {"function": "exec", "input": "id"})


if __name__ == "__main__":
    unittest.main()
