// The description of the API. tests/e2e/test_openapi.py compares it with the routes, and every
// answer with its schema.
#include "gateway/api/health.hpp"

namespace quern::gateway {
namespace {

constexpr std::string_view kDocument = R"json({
  "openapi": "3.1.0",
  "info": {
    "title": "Quern",
    "version": "1",
    "description": "Errors are problem documents (RFC 9457). Integers beyond 2^53 are strings."
  },
  "security": [{"token": []}],
  "components": {
    "securitySchemes": {
      "token": {"type": "http", "scheme": "bearer",
        "description": "`quern keys token NAME --role submit,read`"}
    },
    "parameters": {
      "job": {"name": "job", "in": "path", "required": true, "schema": {"type": "integer",
        "minimum": 1}},
      "worker": {"name": "worker", "in": "path", "required": true, "schema": {"type": "string"}},
      "token": {"name": "token", "in": "path", "required": true,
        "description": "`token` of a task, or `batch` of all of them", "schema": {"type": "string"}}
    },
    "responses": {
      "problem": {
        "description": "What went wrong, and what to do",
        "content": {"application/problem+json": {"schema": {
          "$ref": "#/components/schemas/problem"}}}
      },
      "touched": {
        "description": "The state of the job after that, and how many tasks were concerned",
        "content": {"application/json": {"schema": {
          "type": "object", "required": ["job", "state", "touched"],
          "properties": {"touched": {"$ref": "#/components/schemas/integer"}}}}}
      },
      "job": {
        "description": "The state of the job",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/job"}}}
      },
      "counted": {
        "description": "For how many tasks this counts, now or before, and for how many not",
        "content": {"application/json": {"schema": {
          "type": "object", "required": ["counted", "not_counted"],
          "properties": {"counted": {"type": "integer"}, "not_counted": {"type": "integer"}}}}}
      },
      "extended": {
        "description": "The lock, and what is not wanted any more",
        "content": {"application/json": {"schema": {
          "type": "object", "required": ["lock_s", "cancelled", "cancelled_places"],
          "properties": {
            "lock_s": {"type": "number"},
            "cancelled": {"type": "boolean", "description": "Nothing of it is wanted"},
            "cancelled_places": {"type": "array", "items": {"type": "integer"},
              "description": "Places in the batch"}}}}}
      }
    },
    "schemas": {
      "tasks": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
      "integer": {"type": ["integer", "string"]},
      "problem": {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
          "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
          "code": {"type": "string"}, "detail": {"type": "string"}
        }
      },
      "job": {
        "type": "object",
        "required": ["job", "uuid", "function", "owner", "state", "total", "done", "failed",
          "version"],
        "properties": {
          "job": {"type": "integer"}, "uuid": {"type": "string"}, "name": {"type": "string"},
          "function": {"type": "string"}, "owner": {"type": "string"},
          "input": {"enum": ["whole", "items", "range"]},
          "state": {"enum": ["waiting", "running", "done", "failed", "cancelled", "lost",
            "unknown"]},
          "reason": {"type": "string"}, "decision": {"type": "string"},
          "total": {"$ref": "#/components/schemas/integer"},
          "pending": {"$ref": "#/components/schemas/integer"},
          "leased": {"$ref": "#/components/schemas/integer"},
          "done": {"$ref": "#/components/schemas/integer"},
          "failed": {"$ref": "#/components/schemas/integer"},
          "cancelled": {"$ref": "#/components/schemas/integer"},
          "eta_s": {"type": ["number", "null"]}, "version": {"type": "string"}
        }
      },
      "submission": {
        "type": "object",
        "required": ["function"],
        "additionalProperties": false,
        "properties": {
          "function": {"type": "string", "minLength": 1, "maxLength": 255},
          "input": {"description": "One input: a string, {\"base64\": ...}, or JSON"},
          "items": {"type": "array", "description": "A task each, as `input`"},
          "range": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
          "encoding": {"enum": ["raw", "value"]},
          "name": {"type": "string"}, "priority": {"type": "integer"}, "weight": {"type": "number"},
          "attempts": {"type": "integer", "minimum": 1, "maximum": 1000},
          "backoff_s": {"type": "number"}, "timeout_s": {"type": "number"},
          "durability": {"enum": ["memory", "durable"]}, "reduce": {"type": "string"},
          "cost": {"type": "number"}, "common": {
            "description": "As `input`; the same for all tasks"},
          "require": {"type": "object", "additionalProperties": {"type": "string"}},
          "resources": {"type": "object", "additionalProperties": {"type": "number"}},
          "idempotent": {"type": "boolean"}, "at_most_once": {"type": "boolean"},
          "ttl_s": {"type": "number"}
        }
      },
      "submitted": {
        "type": "object",
        "required": ["job", "uuid", "existing", "url"],
        "properties": {
          "job": {"type": "integer"}, "uuid": {"type": "string"}, "existing": {"type": "boolean"},
          "url": {"type": "string"}
        }
      },
      "worker": {
        "type": "object",
        "required": ["worker", "state", "slots", "functions", "rates"],
        "properties": {
          "worker": {"type": "string"}, "state": {"type": "string"}, "slots": {"type": "integer"},
          "functions": {"type": "array", "items": {"type": "object"}},
          "rates": {"type": "array", "items": {"type": "object"}}
        }
      },
      "pull": {
        "type": "object",
        "required": ["functions"],
        "additionalProperties": false,
        "properties": {
          "functions": {"type": "array", "items": {"type": "string"}, "minItems": 1,
            "maxItems": 100},
          "encoding": {"enum": ["raw", "value"], "default": "raw", "description": "Of the results"},
          "max": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1},
          "wait_s": {"type": "number", "minimum": 0, "maximum": 60, "default": 0},
          "lock_s": {"type": "number", "minimum": 0.1, "maximum": 43200, "default": 30},
          "request_id": {"type": "string", "maxLength": 255,
            "description": "The same within the lock: the same answer"},
          "worker": {"type": "string", "maxLength": 255, "description": "Who pulls"}
        }
      },
      "leases": {
        "type": "object",
        "required": ["leases"],
        "properties": {
          "batch": {"type": "string"}, "lock_s": {"type": "number"},
          "leases": {"type": "array", "items": {
            "type": "object",
            "required": ["token", "job", "task", "function", "attempt", "lock_s", "encoding",
              "input"],
            "properties": {
              "token": {"type": "string"}, "job": {"$ref": "#/components/schemas/integer"},
              "task": {"$ref": "#/components/schemas/integer"}, "function": {"type": "string"},
              "attempt": {"type": "integer"}, "lock_s": {"type": "number"},
              "encoding": {"enum": ["raw", "value"]}, "input": {}, "common": {}}}}
        }
      },
      "result": {
        "type": "object",
        "description": "A line: the result of a task, the one result of a reduced job, or the end",
        "properties": {
          "index": {"type": "integer"}, "result": {}, "output": {}, "code": {"type": "string"},
          "error": {"type": "string"}, "end": {"type": "object"}
        }
      },
      "seed": {
        "type": "object",
        "required": ["status"],
        "properties": {
          "status": {"enum": ["success", "error"]}, "message": {"type": "string"},
          "result": {"type": "integer"}
        }
      }
    }
  },
  "paths": {
    "/add_task": {"post": {
      "summary": "Adds the task of summing 1 to N",
      "security": [{}, {"token": []}],
      "requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "required": ["task"],
        "properties": {"task": {"type": "integer", "minimum": 0, "maximum": 4294967295}}}}}},
      "responses": {
        "200": {"description": "Added", "content": {"application/json": {"schema": {
          "$ref": "#/components/schemas/seed"}}}},
        "422": {"description": "Not a task", "content": {"application/json": {"schema": {
          "$ref": "#/components/schemas/seed"}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/get_result": {"get": {
      "summary": "Waits for the oldest result that was not taken, for a minute at most",
      "security": [{}, {"token": []}],
      "responses": {
        "200": {"description": "The result", "content": {"application/json": {"schema": {
          "$ref": "#/components/schemas/seed"}}}},
        "404": {"description": "No task was added", "content": {"application/json": {"schema": {
          "$ref": "#/components/schemas/seed"}}}},
        "504": {"description": "Not yet", "content": {"application/json": {"schema": {
          "$ref": "#/components/schemas/seed"}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs": {
      "post": {
        "summary": "Submits a job; as application/x-ndjson, an item per line",
        "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string",
          "maxLength": 255}}],
        "requestBody": {"content": {
          "application/json": {"schema": {"$ref": "#/components/schemas/submission"}},
          "application/x-ndjson": {"schema": {"type": "string"}}}},
        "responses": {
          "201": {"description": "Accepted", "content": {"application/json": {"schema": {
            "$ref": "#/components/schemas/submitted"}}}},
          "200": {"description": "The job with this idempotency key", "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/submitted"}}}},
          "default": {"$ref": "#/components/responses/problem"}}},
      "get": {
        "summary": "The newest jobs first",
        "parameters": [
          {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1,
            "maximum": 1000, "default": 100}},
          {"name": "after", "in": "query", "description": "`next` of the page before", "schema": {
            "type": "integer"}},
          {"name": "state", "in": "query", "description": "One or more, separated by commas",
            "schema": {"type": "string"}},
          {"name": "function", "in": "query", "schema": {"type": "string"}},
          {"name": "owner", "in": "query", "schema": {"type": "string"}},
          {"name": "name", "in": "query", "description": "A pattern with * and ?", "schema": {
            "type": "string"}},
          {"name": "q", "in": "query", "description": "A text in name, function or reason",
            "schema": {"type": "string"}}],
        "responses": {
          "200": {"description": "Jobs", "content": {"application/json": {"schema": {
            "type": "object", "required": ["jobs", "next"],
            "properties": {
              "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/job"}},
              "next": {"type": ["integer", "null"], "description": "null: there are no more"}}}}}},
          "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}": {"get": {
      "summary": "The state of a job; waits for a change from `version`, or without it for the end",
      "parameters": [
        {"$ref": "#/components/parameters/job"},
        {"name": "wait", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 60}},
        {"name": "version", "in": "query", "schema": {"type": "string"}}],
      "responses": {
        "200": {"$ref": "#/components/responses/job"},
        "304": {"description": "Unchanged (If-None-Match)"},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/cancel": {"post": {
      "summary": "Cancels the job, or some of its tasks",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": false,
        "properties": {
          "tasks": {"$ref": "#/components/schemas/tasks"},
          "dry_run": {"type": "boolean", "description": "Only count"}}}}}},
      "responses": {"200": {"$ref": "#/components/responses/touched"}, "default": {
        "$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/retry": {"post": {
      "summary": "Runs failed tasks of an ended job again: all, or those that meet every condition",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": false,
        "properties": {
          "tasks": {"$ref": "#/components/schemas/tasks"},
          "code": {"type": "string"}, "text": {"type": "string"},
          "dry_run": {"type": "boolean", "description": "Only count"}}}}}},
      "responses": {"200": {"$ref": "#/components/responses/touched"}, "default": {
        "$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/errors": {"get": {
      "summary": "The errors in groups of equal code and text, numbers aside",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "responses": {
        "200": {"description": "Groups", "content": {"application/json": {"schema": {
          "type": "object", "required": ["job", "groups", "more", "tasks"],
          "properties": {
            "job": {"type": "integer"},
            "groups": {"type": "array", "items": {
              "type": "object", "required": ["code", "text", "count", "first", "last", "example"]}},
            "more": {"type": "integer"}, "tasks": {"type": "integer"}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/pause": {"post": {
      "summary": "Grants the job no more leases; what runs goes on",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "responses": {"200": {"$ref": "#/components/responses/job"}, "default": {
        "$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/resume": {"post": {
      "summary": "Lets a paused job go on",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "responses": {"200": {"$ref": "#/components/responses/job"}, "default": {
        "$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/explain": {"get": {
      "summary": "Why the job is where it is, in sentences",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "responses": {
        "200": {"description": "Sentences", "content": {"application/json": {"schema": {
          "type": "object", "required": ["explain"],
          "properties": {"explain": {"type": "array", "items": {"type": "string"}}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/timeline": {"get": {
      "summary": "What happened to its leases",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "responses": {
        "200": {"description": "Spans", "content": {"application/json": {"schema": {
          "type": "object", "required": ["job", "spans"],
          "properties": {"job": {"type": "integer"}, "spans": {"type": "array", "items": {
            "type": "object"}}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/results": {"get": {
      "summary": "The results as lines, as they come; the last line is the end",
      "parameters": [
        {"$ref": "#/components/parameters/job"},
        {"name": "from", "in": "query", "schema": {"type": "integer", "minimum": 0}},
        {"name": "to", "in": "query", "schema": {"type": "integer", "minimum": 0}},
        {"name": "order", "in": "query", "schema": {"enum": ["input", "completion"]}},
        {"name": "failed", "in": "query", "schema": {"type": "boolean"}}],
      "responses": {
        "200": {"description": "Lines", "content": {"application/x-ndjson": {"schema": {
          "$ref": "#/components/schemas/result"}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/workers": {"get": {
      "summary": "All workers",
      "responses": {
        "200": {"description": "Workers", "content": {"application/json": {"schema": {
          "type": "object", "required": ["workers"],
          "properties": {"workers": {"type": "array", "items": {
            "$ref": "#/components/schemas/worker"}}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/workers/{worker}": {"get": {
      "summary": "One worker",
      "parameters": [{"$ref": "#/components/parameters/worker"}],
      "responses": {
        "200": {"description": "The worker", "content": {"application/json": {"schema": {
          "$ref": "#/components/schemas/worker"}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/workers/{worker}/drain": {"post": {
      "summary": "Asks a worker to finish what it runs, and to leave",
      "parameters": [{"$ref": "#/components/parameters/worker"}],
      "responses": {
        "200": {"description": "What happens now", "content": {"application/json": {"schema": {
          "type": "object", "required": ["worker", "detail"],
          "properties": {"worker": {"type": "string"}, "detail": {"type": "string"}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/functions": {"get": {
      "summary": "What the workers offer, and how fast",
      "responses": {
        "200": {"description": "Functions", "content": {"application/json": {"schema": {
          "type": "object", "required": ["functions"],
          "properties": {"functions": {"type": "array", "items": {"type": "object"}}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/broker": {"get": {
      "summary": "The state of the broker",
      "responses": {
        "200": {"description": "The broker", "content": {"application/json": {"schema": {
          "type": "object", "required": ["software", "uptime_s", "jobs", "workers"]}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/leases": {"post": {
      "summary": "Pulls tasks to run; waits for some; needs the role work",
      "requestBody": {"content": {"application/json": {"schema": {
        "$ref": "#/components/schemas/pull"}}}},
      "responses": {
        "200": {"description": "Tasks; none when the wait is over", "content": {
          "application/json": {"schema": {"$ref": "#/components/schemas/leases"}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/leases/{token}/complete": {"post": {
      "summary": "Sends the result of a task, or the results of a batch; may be repeated",
      "parameters": [{"$ref": "#/components/parameters/token"}],
      "requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": false,
        "properties": {"result": {}, "results": {"type": "array",
          "description": "Of a batch: one per task, in order"}}}}}},
      "responses": {
        "200": {"$ref": "#/components/responses/counted"},
        "409": {"$ref": "#/components/responses/problem"},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/leases/{token}/fail": {"post": {
      "summary": "Ends a failed attempt",
      "parameters": [{"$ref": "#/components/parameters/token"}],
      "requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": false, "required": ["error"],
        "properties": {"error": {"type": "string", "minLength": 1}, "permanent": {"type": "boolean",
          "default": false}}}}}},
      "responses": {
        "200": {"$ref": "#/components/responses/counted"},
        "409": {"$ref": "#/components/responses/problem"},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/leases/{token}/release": {"post": {
      "summary": "Hands tasks back without an attempt",
      "parameters": [{"$ref": "#/components/parameters/token"}],
      "responses": {
        "200": {"$ref": "#/components/responses/counted"},
        "409": {"$ref": "#/components/responses/problem"},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/leases/{token}/extend": {"post": {
      "summary": "Keeps the lock, and tells whether the tasks are still wanted",
      "parameters": [{"$ref": "#/components/parameters/token"}],
      "requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": false,
        "properties": {"lock_s": {"type": "number", "minimum": 0.1, "maximum": 43200,
          "default": 30}}}}}},
      "responses": {
        "200": {"$ref": "#/components/responses/extended"},
        "409": {"$ref": "#/components/responses/problem"},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/events": {"get": {
      "summary": "What changes, as server-sent events: job, worker, or resync (fetch all anew)",
      "parameters": [
        {"name": "topics", "in": "query", "schema": {"type": "string", "default": "jobs,workers"}},
        {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}}],
      "responses": {
        "200": {"description": "Events", "content": {"text/event-stream": {"schema": {
          "type": "string"}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/openapi.json": {"get": {
      "summary": "This document", "security": [{}],
      "responses": {"200": {"description": "OpenAPI 3.1", "content": {"application/json": {
        "schema": {"type": "object"}}}}}}},
    "/metrics": {"get": {
      "summary": "Metrics for Prometheus",
      "responses": {
        "200": {"description": "Text", "content": {"text/plain": {"schema": {"type": "string"}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/livez": {"get": {
      "summary": "Whether the gateway runs", "security": [{}],
      "responses": {"200": {"description": "It does", "content": {"text/plain": {"schema": {
        "type": "string"}}}}}}},
    "/readyz": {"get": {
      "summary": "Whether the broker answers", "security": [{}],
      "responses": {
        "200": {"description": "It does", "content": {"text/plain": {"schema": {
          "type": "string"}}}},
        "503": {"description": "It does not", "content": {"text/plain": {"schema": {
          "type": "string"}}}}}}}
  }
}
)json";

}  // namespace

std::string_view openapi_document() { return kDocument; }

}  // namespace quern::gateway
