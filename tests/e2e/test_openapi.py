"""The OpenAPI document describes the routes that exist, and every answer fits its schema."""

import hashlib
import json
import re
import unittest

from rig import TOP
from web import WebRig

METHODS = ("get", "post", "put", "delete")


def routes_in_sources():
    """The routes that the sources of the gateway add, as (method, path)."""
    text = "".join(path.read_text() for path in (TOP / "sdk" / "gateway").rglob("*.cpp"))
    return set(re.findall(r'\(\s*"(GET|POST|PUT|DELETE)",\s*"(/[^"]*)"', text))


class Schemas:
    """The part of JSON Schema that the document uses."""

    KNOWN = {"type", "required", "properties", "additionalProperties", "items", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems",
             "maxItems", "description", "default", "$ref"}

    def __init__(self, document):
        self.document = document

    def resolve(self, node):
        while "$ref" in node:
            found = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def check(self, value, schema, where):
        """Why a value does not fit, or None."""
        schema = self.resolve(schema)
        assert not set(schema) - self.KNOWN, f"{where}: {set(schema) - self.KNOWN} is not checked"
        types = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
        names = schema.get("type", [])
        names = [names] if isinstance(names, str) else names
        if names and not any(isinstance(value, types[name]) and (name == "boolean" or not isinstance(value, bool)) for name in names):
            return f"{where}: {value!r} is no {names}"
        if "enum" in schema and value not in schema["enum"]:
            return f"{where}: {value!r} is not in {schema['enum']}"
        if isinstance(value, dict):
            for name in schema.get("required", ()):
                if name not in value:
                    return f"{where}: {name} is missing"
            for name, part in schema.get("properties", {}).items():
                if name in value and (why := self.check(value[name], part, f"{where}.{name}")):
                    return why
        if isinstance(value, list):
            for n, part in enumerate(value):
                if why := self.check(part, schema.get("items", {}), f"{where}[{n}]"):
                    return why
        return None


class OpenApi(WebRig):
    def setUp(self):
        super().setUp()
        self.start_broker()
        self.start_worker("w")
        self.start_gateway()
        self.me = self.token("me", "--role", "submit,read,work,admin")
        self.document = self.asked(200, "GET", "/v1/openapi.json").json

    def test_the_document_names_exactly_the_routes(self):
        described = {(method.upper(), path) for path, item in self.document["paths"].items() for method in item if method in METHODS}
        self.assertEqual(described, routes_in_sources())

    def test_every_reference_leads_somewhere(self):
        schemas = Schemas(self.document)
        for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(self.document)):
            schemas.resolve({"$ref": reference})

    def check(self, method, path, status, filled=None, **options):
        """Asks a route and compares its answer with the document."""
        answer = self.ask(method, filled or path, token=self.me, **options)
        self.assertEqual(answer.status, status, answer)
        responses = self.document["paths"][path][method.lower()]["responses"]
        schemas = Schemas(self.document)
        response = schemas.resolve(responses.get(str(status), responses.get("default", {})))
        self.assertIn("description", response, f"{method} {path}: {status} is not described")
        kind = (answer.headers["Content-Type"] or "").split(";")[0]
        if "content" not in response:
            self.assertEqual(answer.body, b"")
            return answer
        self.assertIn(kind, response["content"], f"{method} {path}: {status}")
        schema = response["content"][kind]["schema"]
        values = answer.lines if kind == "application/x-ndjson" else [answer.json] if kind.endswith("json") else [answer.text]
        for value in values:
            self.assertIsNone(schemas.check(value, schema, f"{method} {path}"))
        return answer

    def test_every_answer_fits_its_schema(self):
        job = self.check("POST", "/v1/jobs", 201, body={"function": "echo", "items": ["a", "b"]}).json["job"]
        self.check("GET", "/v1/jobs/{job}/notes", 200, f"/v1/jobs/{job}/notes")
        self.check("POST", "/v1/jobs", 201, body={"function": "echo", "input": "a"}, Idempotency_Key="k")
        self.check("POST", "/v1/jobs", 200, body={"function": "echo", "input": "a"}, Idempotency_Key="k")
        self.check("POST", "/v1/jobs", 422, body={"function": "echo"})
        self.check("GET", "/v1/jobs", 200)
        self.check("GET", "/v1/jobs", 422, "/v1/jobs?limit=0")
        one = f"/v1/jobs/{job}"
        self.check("GET", "/v1/jobs/{job}", 200, one + "?wait=10")
        self.check("GET", "/v1/jobs/{job}", 404, "/v1/jobs/99")
        self.check("GET", "/v1/jobs/{job}/results", 200, one + "/results")
        self.check("GET", "/v1/jobs/{job}/results", 404, "/v1/jobs/99/results")
        self.check("POST", "/v1/jobs/{job}/pause", 422, one + "/pause")
        waits = f"/v1/jobs/{self.ask('POST', '/v1/jobs', {'function': 'absent', 'input': 'x'}, token=self.me).json['job']}"
        self.check("POST", "/v1/jobs/{job}/pause", 200, waits + "/pause")
        self.check("POST", "/v1/jobs/{job}/resume", 200, waits + "/resume")
        opened = f"/v1/jobs/{self.check('POST', '/v1/jobs', 201, body={'function': 'echo', 'open': True}).json['job']}"
        self.check("POST", "/v1/jobs/{job}/items", 200, opened + "/items", body={"items": ["a"]})
        self.check("POST", "/v1/jobs/{job}/items", 409, opened + "/items", body={"items": ["a"], "first": 0})
        self.check("POST", "/v1/jobs/{job}/close", 200, opened + "/close")
        self.check("POST", "/v1/jobs/{job}/close", 200, opened + "/close")
        self.check("GET", "/v1/jobs/{job}/tasks", 200, one + "/tasks")
        self.check("GET", "/v1/jobs/{job}/tasks", 422, one + "/tasks?state=x")
        self.check("GET", "/v1/jobs/{job}/tasks/{task}", 200, one + "/tasks/1")
        self.check("GET", "/v1/jobs/{job}/tasks/{task}", 404, one + "/tasks/99")
        self.check("GET", "/v1/jobs/{job}/logs/{task}", 404, one + "/logs/0")
        self.check("GET", "/v1/jobs/{job}/explain", 200, one + "/explain")
        self.check("GET", "/v1/jobs/{job}/errors", 200, one + "/errors")
        self.check("POST", "/v1/jobs/{job}/cancel", 200, waits + "/cancel", body={"dry_run": True})
        self.check("GET", "/v1/jobs/{job}/timeline", 200, one + "/timeline")
        self.check("POST", "/v1/jobs/{job}/cancel", 200, one + "/cancel")
        self.check("POST", "/v1/jobs/{job}/retry", 422, one + "/retry")
        self.check_pulls()
        content = b"seeds"
        name = hashlib.blake2b(content, digest_size=32).hexdigest()
        self.check("PUT", "/v1/blobs/{hash}", 204, f"/v1/blobs/{name}", body=content)
        self.check("GET", "/v1/blobs/{hash}", 200, f"/v1/blobs/{name}")
        self.check("GET", "/v1/blobs/{hash}", 304, f"/v1/blobs/{name}", If_None_Match=f'"{name}"')
        self.check("GET", "/v1/blobs/{hash}", 404, f"/v1/blobs/{name[::-1]}")
        self.check("PUT", "/v1/blobs/{hash}", 422, f"/v1/blobs/{name}", body=b"weeds")
        self.check("PUT", "/v1/blobs/{hash}", 404, "/v1/blobs/x", body=content)
        self.check("GET", "/v1/people", 200)
        self.check("GET", "/v1/audit", 200)
        self.check("GET", "/v1/audit", 422, "/v1/audit?limit=0")
        self.check("GET", "/v1/session", 200)
        self.check("POST", "/v1/session", 200, body={"token": self.me})
        self.check("POST", "/v1/session", 401, body={"code": "x"})
        self.check("POST", "/v1/session", 422, body={})
        self.check("DELETE", "/v1/session", 204)
        self.check("GET", "/v1/workers", 200)
        self.check("GET", "/v1/workers/{worker}", 200, "/v1/workers/w")
        self.check("GET", "/v1/workers/{worker}", 404, "/v1/workers/x")
        self.check("GET", "/v1/functions", 200)
        self.check("GET", "/v1/broker", 200)
        self.check("GET", "/metrics", 200)
        self.check("GET", "/livez", 200)
        self.check("GET", "/readyz", 200)
        self.check("POST", "/add_task", 200, body={"task": 3})
        self.check("POST", "/add_task", 422, body={"task": "x"})
        self.check("GET", "/get_result", 200)
        self.check("GET", "/get_result", 404)
        self.check("POST", "/v1/workers/{worker}/drain", 200, "/v1/workers/w/drain")

    def check_pulls(self):
        self.check("POST", "/v1/jobs", 201, body={"function": "pulled", "items": ["a", "b", "c"], "common": "x"})
        pull = {"functions": ["pulled"], "wait_s": 20}
        for what, body in (("complete", {"result": 1}), ("fail", {"error": "no", "permanent": True}), ("release", None)):
            lease = self.check("POST", "/v1/leases", 200, body=pull).json["leases"][0]
            self.assertEqual(lease["common"], "x")
            path, filled = "/v1/leases/{token}/", f"/v1/leases/{lease['token']}/"
            self.check("POST", path + "extend", 200, filled + "extend", body={"lock_s": 60})
            self.check("POST", path + what, 200, filled + what, body=body)
            self.check("POST", path + "extend", 409, filled + "extend")
        self.check("POST", "/v1/leases", 200, body={"functions": ["idle"]})
        self.check("POST", "/v1/leases", 422, body={})
        self.check("POST", "/v1/leases/{token}/complete", 404, "/v1/leases/x/complete", body={"result": 1})


if __name__ == "__main__":
    unittest.main()
