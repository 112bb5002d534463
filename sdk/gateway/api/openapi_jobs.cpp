// OpenAPI: the routes of jobs.
#include "gateway/api/openapi.hpp"

namespace quern::gateway {

const char kOpenApiJobs[] = R"json(    "/v1/jobs": {
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
    "/v1/jobs/{job}/items": {"post": {
      "summary": "Appends items to an `open` job; as application/x-ndjson, an item per line",
      "parameters": [
        {"$ref": "#/components/parameters/job"},
        {"name": "first", "in": "query", "schema": {"type": "integer", "minimum": 0}},
        {"name": "close", "in": "query", "schema": {"type": "boolean"}},
        {"name": "encoding", "in": "query", "schema": {"enum": ["raw", "value"]}}],
      "requestBody": {"content": {
        "application/json": {"schema": {
          "type": "object", "additionalProperties": false, "required": ["items"],
          "properties": {
            "items": {"type": "array"},
            "first": {"type": "integer", "minimum": 0, "description":
              "Index of the first item; 409 if the job has another number of items"},
            "close": {"type": "boolean", "description": "These are the last items"},
            "encoding": {"enum": ["raw", "value"]}}}},
        "application/x-ndjson": {"schema": {"type": "string"}}}},
      "responses": {
        "200": {"description": "The job; `total` is the number of its items", "content": {
          "application/json": {"schema": {
            "type": "object", "required": ["job", "state", "total", "open", "appended"],
            "properties": {"appended": {"type": "integer"}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/close": {"post": {
      "summary": "Closes a job that was submitted as `open`: it ends when its items have ended",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "responses": {"200": {"$ref": "#/components/responses/job"}, "default": {
        "$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/cancel": {"post": {
      "summary": "Cancels the job, or some of its tasks",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": false,
        "properties": {
          "tasks": {"$ref": "#/components/schemas/tasks"},
          "tree": {"type": "boolean", "description": "And all jobs that depend on it"},
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
              "type": "object", "required": ["error", "text", "count", "first", "last",
                "example"]}},
            "more": {"type": "integer"}, "tasks": {"type": "integer"}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/notes": {"get": {
      "summary": "What the tasks say about themselves: the newest lines of their logs, oldest first",
      "parameters": [{"$ref": "#/components/parameters/job"}],
      "responses": {
        "200": {"description": "The lines, then how far running tasks are",
          "content": {"application/json": {"schema": {
            "type": "object", "required": ["job", "notes"],
            "properties": {
              "job": {"type": "integer"},
              "notes": {"type": "array", "items": {
                "type": "object", "required": ["task", "worker", "age_s", "progress", "text"],
                "properties": {
                  "task": {"$ref": "#/components/schemas/integer"}, "worker": {"type": "string"},
                  "age_s": {"type": "number"},
                  "progress": {"type": ["number", "null"], "description":
                    "Part that is done; null: a line of the log"},
                  "text": {"type": "string"}}}}}}}}},
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
    "/v1/jobs/{job}/tasks": {"get": {
      "summary": "In which state the tasks are, as intervals in order",
      "parameters": [
        {"$ref": "#/components/parameters/job"},
        {"name": "state", "in": "query", "description": "Only tasks in this state", "schema": {
          "$ref": "#/components/schemas/task_state"}},
        {"name": "after", "in": "query", "description": "`next` of the page before", "schema": {
          "type": "integer"}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1,
          "maximum": 1000, "default": 1000}}],
      "responses": {
        "200": {"description": "Intervals", "content": {"application/json": {"schema": {
          "type": "object", "required": ["job", "intervals", "next"],
          "properties": {
            "job": {"type": "integer"},
            "intervals": {"type": "array", "items": {
              "type": "object", "required": ["first", "count", "state"],
              "properties": {
                "first": {"$ref": "#/components/schemas/integer"},
                "count": {"$ref": "#/components/schemas/integer"},
                "state": {"$ref": "#/components/schemas/task_state"},
                "worker": {"type": "string"}, "attempt": {"type": "integer"}}}},
            "next": {"description": "null: there are no more"}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/tasks/{task}": {"get": {
      "summary": "One task: its state, the leases that had it, its result or error",
      "parameters": [{"$ref": "#/components/parameters/job"},
        {"$ref": "#/components/parameters/task"}],
      "responses": {
        "200": {"description": "The task", "content": {"application/json": {"schema": {
          "type": "object", "required": ["job", "task", "state", "attempts"],
          "properties": {
            "job": {"type": "integer"}, "task": {"$ref": "#/components/schemas/integer"},
            "state": {"$ref": "#/components/schemas/task_state"},
            "attempts": {"type": "array", "items": {"type": "object"}},
            "result": {"description": "As in results, up to 64 KiB"},
            "result_bytes": {"type": "integer", "description": "Of a longer one"},
            "output": {"description": "What a failed task left"},
            "error": {"type": "object", "required": ["code", "text"]}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/jobs/{job}/logs/{task}": {"get": {
      "summary": "What the command of a task wrote",
      "parameters": [{"$ref": "#/components/parameters/job"},
        {"$ref": "#/components/parameters/task"},
        {"name": "stream", "in": "query", "schema": {"enum": ["both", "stdout", "stderr"]}}],
      "responses": {
        "200": {"description": "The text", "content": {"text/plain": {"schema": {
          "type": "string"}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/blobs/{hash}": {"get": {
      "summary":
        "A file of this key, or with the role admin of any key; cut if it is not complete",
      "parameters": [{"name": "hash", "in": "path", "required": true,
        "description": "BLAKE2b-256 of the content", "schema": {"type": "string",
        "pattern": "^[0-9a-f]{64}$"}}],
      "responses": {
        "200": {"description": "The content; its ETag is the hash",
          "content": {"application/octet-stream": {"schema": {"type": "string"}}}},
        "304": {"description": "Unchanged (If-None-Match)"},
        "default": {"$ref": "#/components/responses/problem"}}}, "put": {
      "summary":
        "Gives a file of any size to the broker, which keeps it for an hour after its last use",
      "parameters": [{"name": "hash", "in": "path", "required": true,
        "description": "BLAKE2b-256 of the content", "schema": {"type": "string",
        "pattern": "^[0-9a-f]{64}$"}}],
      "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string"}}}},
      "responses": {
        "204": {"description": "The broker has it"},
        "default": {"$ref": "#/components/responses/problem"}}}},
)json";

}  // namespace quern::gateway
