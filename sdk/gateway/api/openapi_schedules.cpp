// OpenAPI: the routes of schedules.
#include "gateway/api/openapi.hpp"

namespace quern::gateway {

const char kOpenApiSchedules[] = R"json(    "/v1/schedules": {"get": {
      "summary": "Jobs that the broker submits by itself, the oldest schedule first",
      "parameters": [
        {"name": "name", "in": "query", "description": "Names with `*` and `?`", "schema": {
          "type": "string"}},
        {"$ref": "#/components/parameters/owner"}],
      "responses": {
        "200": {"description": "Schedules, each with its last run", "content": {
          "application/json": {"schema": {
            "type": "object", "required": ["schedules"],
            "properties": {"schedules": {"type": "array", "items": {
              "$ref": "#/components/schemas/schedule"}}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/schedules/{name}": {
      "get": {
        "summary": "One schedule with what happened at its last 100 due times",
        "parameters": [{"$ref": "#/components/parameters/schedule"},
          {"$ref": "#/components/parameters/owner"}],
        "responses": {
          "200": {"$ref": "#/components/responses/schedule"},
          "default": {"$ref": "#/components/responses/problem"}}},
      "put": {
        "summary": "Adds or replaces a schedule; with If-None-Match: *, only adds one",
        "parameters": [{"$ref": "#/components/parameters/schedule"},
          {"name": "If-None-Match", "in": "header", "schema": {"const": "*"}}],
        "requestBody": {"content": {"application/json": {"schema": {
          "type": "object", "additionalProperties": false, "required": ["cron", "job"],
          "properties": {
            "cron": {"type": "string", "description":
              "Minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly, @yearly"},
            "zone": {"type": "string", "default": "UTC", "description":
              "Time zone of `cron`, e.g. Europe/Zurich"},
            "missed": {"enum": ["run-once", "skip"], "default": "run-once", "description":
              "What becomes of due times that passed while the broker did not run"},
            "overlap": {"enum": ["skip", "queue"], "default": "skip", "description":
              "What happens while the job of an earlier due time has not ended"},
            "job": {"$ref": "#/components/schemas/submission"}}}}}},
        "responses": {
          "200": {"$ref": "#/components/responses/schedule"},
          "412": {"$ref": "#/components/responses/problem"},
          "default": {"$ref": "#/components/responses/problem"}}},
      "delete": {
        "summary": "Removes a schedule; jobs that it has submitted go on",
        "parameters": [{"$ref": "#/components/parameters/schedule"},
          {"$ref": "#/components/parameters/owner"}],
        "responses": {
          "200": {"$ref": "#/components/responses/schedule"},
          "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/schedules/{name}/pause": {"post": {
      "summary": "Lets due times pass without a run",
      "parameters": [{"$ref": "#/components/parameters/schedule"},
        {"$ref": "#/components/parameters/owner"}],
      "responses": {
        "200": {"$ref": "#/components/responses/schedule"},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/schedules/{name}/resume": {"post": {
      "summary": "Continues a paused schedule with its next due time",
      "parameters": [{"$ref": "#/components/parameters/schedule"},
        {"$ref": "#/components/parameters/owner"}],
      "responses": {
        "200": {"$ref": "#/components/responses/schedule"},
        "default": {"$ref": "#/components/responses/problem"}}}},
)json";

}  // namespace quern::gateway
