// OpenAPI: what requests and answers look like.
#include "gateway/api/openapi.hpp"

namespace quern::gateway {

const char kOpenApiSchemas[] = R"json({
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
      "task": {"name": "task", "in": "path", "required": true, "schema": {"type": "integer",
        "minimum": 0}},
      "worker": {"name": "worker", "in": "path", "required": true, "schema": {"type": "string"}},
      "schedule": {"name": "name", "in": "path", "required": true, "schema": {"type": "string",
        "maxLength": 100}},
      "owner": {"name": "owner", "in": "query", "description":
        "The principal that it belongs to; of another one, for the role admin", "schema": {
          "type": "string"}},
      "token": {"name": "token", "in": "path", "required": true,
        "description": "`token` of a task, or `batch` of all of them", "schema": {"type": "string"}}
    },
    "responses": {
      "schedule": {"description": "The schedule", "content": {"application/json": {"schema": {
        "$ref": "#/components/schemas/schedule"}}}},
      "problem": {
        "description": "What went wrong, and what to do",
        "content": {"application/problem+json": {"schema": {
          "$ref": "#/components/schemas/problem"}}}
      },
      "session": {
        "description": "Who asks, and what the key may do",
        "content": {"application/json": {"schema": {
          "type": "object", "required": ["name", "roles", "functions"],
          "properties": {
            "name": {"type": "string"},
            "roles": {"type": "array", "items": {"enum": ["submit", "work", "read", "admin"]}},
            "functions": {"type": ["array", "null"], "items": {"type": "string"},
              "description": "Patterns; null: all"}}}}}
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
          "eta_s": {"type": ["number", "null"]}, "version": {"type": "string"},
          "deadline_s": {"type": ["number", "null"]},
          "start_at": {"type": ["string", "null"]},
          "nested": {"type": "boolean"},
          "parent": {"type": "integer", "description": "The job whose task submitted it"},
          "parent_task": {"type": "integer"},
          "children": {"type": "array", "items": {"type": "integer"},
            "description": "Unfinished jobs that its tasks have submitted; up to 100"},
          "waiting_tasks": {"type": "integer", "description": "Tasks that wait for such jobs"},
          "metadata": {"type": "object", "additionalProperties": {"type": "string"}}
        }
      },
      "schedule": {
        "type": "object",
        "required": ["name", "owner", "cron", "zone", "missed", "overlap", "function", "paused",
          "next", "runs"],
        "properties": {
          "name": {"type": "string"}, "owner": {"type": "string"}, "cron": {"type": "string"},
          "zone": {"type": "string"}, "missed": {"enum": ["run-once", "skip"]},
          "overlap": {"enum": ["skip", "queue"]}, "function": {"type": "string"},
          "paused": {"type": "boolean"}, "next": {"type": ["string", "null"]},
          "runs": {"type": "array", "items": {
            "type": "object", "required": ["due", "at", "outcome", "job", "text"],
            "properties": {
              "due": {"type": "string"}, "at": {"type": "string"},
              "outcome": {"enum": ["ran", "skipped", "missed", "refused", "unknown"]},
              "job": {"type": ["integer", "null"]}, "text": {"type": "string"}}}}
        }
      },
      "task_state": {"enum": ["waiting", "retrying", "leased", "unsure", "done", "failed",
        "cancelled", "ended", "unknown", "blocked"]},
      "submission": {
        "type": "object",
        "required": ["function"],
        "additionalProperties": false,
        "properties": {
          "function": {"type": "string", "minLength": 1, "maxLength": 255},
          "input": {"description": "One input: a string, {\"base64\": ...}, or JSON"},
          "items": {"type": "array", "description": "A task each, as `input`"},
          "range": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
          "open": {"type": "boolean", "description":
            "Items are appended later: POST jobs/{job}/items"},
          "from": {"type": "object", "required": ["job"], "additionalProperties": false,
            "description": "The results of another job, which may still run, are the items",
            "properties": {
              "job": {"type": "integer", "minimum": 1},
              "pattern": {"enum": ["each", "group", "all"]},
              "width": {"type": "integer", "minimum": 1},
              "step": {"type": "integer", "minimum": 1},
              "ended": {"type": "boolean", "description":
                "Errors take the place of results"},
              "join": {"enum": ["automatic", "array"]}}},
          "after": {"type": "array", "description":
            "Jobs that have to end first: numbers, or {job, ended}"},
          "intermediate": {"type": "boolean", "description":
            "The results are only for other jobs"},
          "nested": {"type": "boolean", "description":
            "Tasks of the job may submit jobs, which end with it"},
          "encoding": {"enum": ["raw", "value"]},
          "name": {"type": "string"}, "priority": {"type": "integer"}, "weight": {"type": "number"},
          "attempts": {"type": "integer", "minimum": 1, "maximum": 1000},
          "backoff_s": {"type": "number"}, "timeout_s": {"type": "number"},
          "durability": {"enum": ["memory", "durable"]}, "reduce": {"type": "string"},
          "cost": {"type": "number"}, "common": {
            "description": "As `input`; the same for all tasks"},
          "people": {"type": "object", "additionalProperties": false, "description":
            "The tasks are for people; an item may be {input, gold}, with the right answer",
            "properties": {
              "answers": {"type": "integer", "minimum": 1, "maximum": 100, "description":
                "Of different people, at most"},
              "agree": {"type": "integer", "minimum": 1, "description":
                "Equal answers with which an item is done; more than half by default"},
              "schema": {"type": "object", "description": "JSON Schema of an answer"},
              "title": {"type": "string"}, "instructions": {"type": "string"}}},
          "blobs": {"type": "array", "items": {"type": "string"},
            "description": "Files of PUT blobs/{hash} that the workers must have"},
          "require": {"type": "object", "additionalProperties": {"type": "string"}},
          "resources": {"type": "object", "additionalProperties": {"type": "number"}},
          "idempotent": {"type": "boolean"}, "at_most_once": {"type": "boolean"},
          "ttl_s": {"type": "number"},
          "deadline_s": {"type": "number", "description":
            "Seconds that the job may take; then it fails with the code `deadline`"},
          "start_at": {"type": "string", "description":
            "Start at this time and not before (RFC 3339)"},
          "start_in_s": {"type": "number", "description": "Start so many seconds later"},
          "metadata": {"type": "object", "additionalProperties": {"type": "string"},
            "description": "For the function and for people"}
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
          "people": {"type": "boolean", "description":
            "A person pulls: one item, locked for up to 604800 s"},
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
)json";

}  // namespace quern::gateway
