// What a function in a process of its own says when it submits a job, and what it is answered.
// Both ends are the same build of one program, so there are no versions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "quern/input.hpp"
#include "quern/nested.hpp"
#include "quern/options.hpp"
#include "quern/task.hpp"
#include "quern/typed.hpp"

namespace quern::worker {

struct NestedCall {
  std::string function;
  std::uint8_t kind = 0;  ///< index in Input: whole, range, items
  std::uint8_t encoding = 0;
  std::vector<std::string> payloads;
  std::vector<double> costs;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::string name;
  std::int32_t priority = 0;
  double weight = 1;
  std::uint32_t attempts = 0;
  std::int64_t backoff_ms = 0;
  std::int64_t timeout_ms = 0;
  std::string reduce;
  double cost = 0;
  bool has_common = false;
  std::string common;
  std::map<std::string, std::string> require;
  std::map<std::string, double> resources;
  bool idempotent = false;
  bool at_most_once = false;
  std::int64_t ttl_s = 0;
  bool intermediate = false;
  std::int64_t deadline_ms = 0;
  std::map<std::string, std::string> metadata;
  bool nested = false;
  MSGPACK_DEFINE(function, kind, encoding, payloads, costs, begin, end, name, priority, weight,
                 attempts, backoff_ms, timeout_ms, reduce, cost, has_common, common, require,
                 resources, idempotent, at_most_once, ttl_s, intermediate, deadline_ms, metadata,
                 nested)
};

struct NestedTask {
  std::uint64_t index = 0;
  bool ok = true;
  std::string bytes;
  std::uint16_t code = 0;
  std::string text;
  MSGPACK_DEFINE(index, ok, bytes, code, text)
};

/// The end of a job, or why it could not be submitted (`accepted` is false then).
struct NestedAnswer {
  bool accepted = true;
  std::uint16_t state = 0;
  std::uint16_t code = 0;
  std::string text;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::vector<NestedTask> tasks;
  bool reduced = false;
  bool has_value = false;
  std::string value;
  std::uint8_t encoding = 0;
  MSGPACK_DEFINE(accepted, state, code, text, done, failed, tasks, reduced, has_value, value,
                 encoding)
};

/// In the process. Throws SubmitError for what a task cannot submit, or could not send.
NestedCall nested_call(std::string function, Input&& input, SubmitOptions&& options);
NestedEnd nested_end(NestedAnswer&& answer);
/// In the worker.
NestedJob submit(Task& task, NestedCall&& call);
NestedAnswer nested_answer(const NestedJob& job);

}  // namespace quern::worker
