// OpenAPI: the routes of workers, leases, functions, the broker and events.
#include "gateway/api/openapi.hpp"

namespace quern::gateway {

const char kOpenApiWorkers[] = R"json(    "/v1/workers": {"get": {
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
      "summary": "What changes, as server-sent events: job, worker, resync (fetch all anew), end",
      "description":
        "`end` is the last event of a key that was revoked or may not look any more.",
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

}  // namespace quern::gateway
