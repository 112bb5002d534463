// OpenAPI: the routes of the seed, of logins, of people and of the audit log.
#include "gateway/api/openapi.hpp"

namespace quern::gateway {

const char kOpenApiEntry[] = R"json(  "paths": {
    "/": {"get": {
      "summary": "The page", "security": [{}],
      "responses": {
        "200": {"description": "HTML", "content": {"text/html": {"schema": {"type": "string"}}}},
        "304": {"description": "Unchanged (If-None-Match)"}}}},
    "/assets/{name}": {"get": {
      "summary": "A file of the page", "security": [{}],
      "parameters": [{"name": "name", "in": "path", "required": true, "schema": {
        "type": "string"}}],
      "responses": {
        "200": {"description": "The file", "content": {
          "text/javascript": {"schema": {"type": "string"}},
          "text/css": {"schema": {"type": "string"}}}},
        "304": {"description": "Unchanged (If-None-Match)"},
        "default": {"$ref": "#/components/responses/problem"}}}},
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
    "/v1/session": {
      "get": {
        "summary": "Who asks, by a token or by the cookie of a login",
        "responses": {
          "200": {"$ref": "#/components/responses/session"},
          "default": {"$ref": "#/components/responses/problem"}}},
      "post": {
        "summary": "Logs a browser in: answers with a cookie for the API",
        "security": [{}],
        "requestBody": {"content": {"application/json": {"schema": {
          "type": "object", "additionalProperties": false,
          "properties": {
            "token": {"type": "string"},
            "code": {"type": "string", "description":
              "Of the link of `quern up`; it works once"}}}}}},
        "responses": {
          "200": {"$ref": "#/components/responses/session"},
          "default": {"$ref": "#/components/responses/problem"}}},
      "delete": {
        "summary": "Logs a browser out",
        "security": [{}],
        "responses": {"204": {"description": "Logged out"}}}},
    "/v1/people": {"get": {
      "summary": "Open work for people, and how well each person has answered; for the role admin",
      "responses": {
        "200": {"description": "Open items and people", "content": {"application/json": {"schema": {
          "type": "object", "required": ["open", "people"],
          "properties": {
            "open": {"type": "array", "items": {"type": "object", "required": [
              "job", "task", "function", "answers", "wanted", "holders"]}},
            "people": {"type": "array", "items": {"type": "object", "required": [
              "name", "answers", "skipped", "gold", "gold_right", "compared", "agreed"]}}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
    "/v1/audit": {"get": {
      "summary": "What the broker has allowed and denied, the newest first; for the role admin",
      "parameters": [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1,
          "maximum": 1000, "default": 100}},
        {"name": "after", "in": "query", "description": "`next` of the page before", "schema": {
          "type": "integer"}},
        {"name": "text", "in": "query", "description": "Only records with this text", "schema": {
          "type": "string"}}],
      "responses": {
        "200": {"description": "Records", "content": {"application/json": {"schema": {
          "type": "object", "required": ["records", "next"],
          "properties": {
            "records": {"type": "array", "items": {
              "type": "object", "required": ["n", "at", "who", "action", "outcome"]}},
            "next": {"type": ["integer", "null"]}}}}}},
        "default": {"$ref": "#/components/responses/problem"}}}},
)json";

}  // namespace quern::gateway
