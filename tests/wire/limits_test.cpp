// For every limit and every rule, a message that breaks it and nothing else must be refused.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>

#include "wire/blob.hpp"
#include "wire/codec.hpp"
#include "wire/samples.hpp"

namespace quern::wire::test {
namespace {

struct Case {
  std::string name;
  ErrorCode code;
  Message message;
};

template <typename T>
Case broken(const std::string& sample_name, const std::string& what, ErrorCode code,
            std::function<void(T&)> change) {
  T message = std::get<T>(sample(sample_name).message);
  change(message);
  return {sample_name + ": " + what, code, std::move(message)};
}

constexpr auto kMalformed = ErrorCode::malformed;
constexpr auto kLimit = ErrorCode::limit;

Batch uniform_batch(std::uint64_t count, std::uint32_t each) {
  return {Sizes::uniform(count, each), Buffer::adopt(Bytes(count * each, 'x'))};
}

std::vector<Case> numbers() {
  const auto submit = [](const std::string& what, ErrorCode code,
                         std::function<void(Submit&)> change) {
    return broken<Submit>("submit_full", what, code, std::move(change));
  };
  return {
      submit("attempts 0", kLimit, [](auto& m) { m.options.attempts = 0; }),
      submit("attempts over", kLimit, [](auto& m) { m.options.attempts = kAttemptsMax + 1; }),
      submit("timeout over", kLimit, [](auto& m) { m.options.timeout_ms = kTimeoutMsMax + 1; }),
      submit("weight 0", kMalformed, [](auto& m) { m.options.weight = 0; }),
      submit("weight negative", kMalformed, [](auto& m) { m.options.weight = -1; }),
      submit("cost negative", kMalformed, [](auto& m) { m.options.cost = -0.5; }),
      submit("resource negative", kMalformed, [](auto& m) { m.options.resources["gpu"] = -1; }),
      submit("a cost NaN", kMalformed,
             [](auto& m) { m.costs[1] = std::numeric_limits<float>::quiet_NaN(); }),
      submit("a cost negative", kMalformed, [](auto& m) { m.costs[2] = -1; }),
      submit("a cost infinite", kMalformed,
             [](auto& m) { m.costs[0] = std::numeric_limits<float>::infinity(); }),
      broken<Hello>("hello_worker", "slots 0", kLimit,
                    [](auto& m) { m.worker->capacity.slots = 0; }),
      broken<Hello>("hello_worker", "slots over", kLimit,
                    [](auto& m) { m.worker->capacity.slots = kSlotsMax + 1; }),
      broken<Hello>("hello_worker", "rate negative", kMalformed,
                    [](auto& m) { m.worker->functions[0].rate = -1; }),
      broken<Append>("append", "first over", kLimit, [](auto& m) { m.first = kTasksMax + 1; }),
      broken<Append>("append", "end over", kLimit, [](auto& m) { m.first = kTasksMax - 1; }),
      broken<Report>("report", "error index over", kLimit,
                     [](auto& m) { m.errors[0].first = kTasksMax; }),
      broken<Report>("report", "error of no tasks", kLimit, [](auto& m) { m.errors[0].count = 0; }),
  };
}

std::vector<Case> names_and_lists() {
  const std::string long_name(kNameBytesMax + 1, 'n');
  return {
      broken<Submit>("submit_full", "function", kLimit, [&](auto& m) { m.function = long_name; }),
      broken<Submit>("submit_full", "name", kLimit, [&](auto& m) { m.options.name = long_name; }),
      broken<Submit>("submit_full", "unique", kLimit,
                     [&](auto& m) { m.options.unique = long_name; }),
      broken<Submit>("submit_full", "label", kLimit,
                     [&](auto& m) { m.options.require[long_name] = "x"; }),
      broken<Submit>("submit_full", "label value", kLimit,
                     [&](auto& m) { m.options.require["x"] = long_name; }),
      broken<Drain>("drain", "worker", kLimit, [&](auto& m) { m.worker = long_name; }),
      broken<Hello>(
          "hello_worker", "identity of a reducer", kLimit,
          [](auto& m) { m.worker->reducers[0].identity = Bytes(kIdentityBytesMax + 1, 'i'); }),
      broken<Forget>("forget", "jobs", kLimit, [](auto& m) { m.jobs.resize(kListMax + 1); }),
      broken<Revoke>("revoke", "leases", kLimit, [](auto& m) { m.leases.resize(kListMax + 1); }),
      broken<Submit>("submit_full", "resources",
                     kMalformed,  // exceeds msgpack's own limit, which is reported as malformed
                     [](auto& m) {
                       for (std::size_t i = 0; i <= kListMax; ++i)
                         m.options.resources[std::to_string(i)] = 1;
                     }),
  };
}

std::vector<Case> intervals() {
  const auto cancel = [](const std::string& what, ErrorCode code, Intervals tasks) {
    return broken<Cancel>("cancel", what, code, [&](auto& m) { m.tasks = std::move(tasks); });
  };
  Intervals many;
  for (std::uint64_t i = 0; i <= kListMax; ++i) many.push_back({3 * i, 3 * i + 1});
  return {
      cancel("empty interval", kMalformed, {{5, 5}}),
      cancel("backwards", kMalformed, {{5, 4}}),
      cancel("overlap", kMalformed, {{0, 5}, {4, 6}}),
      cancel("descending", kMalformed, {{10, 11}, {0, 5}}),
      cancel("index over", kLimit, {{0, kTasksMax + 1}}),
      cancel("too many", kMalformed, many),
      broken<Results>("results", "error names a result", kMalformed,
                      [](auto& m) {
                        m.errors[0] = {1, 1, ErrorCode::failed, ""};
                      }),
      broken<Results>("results", "error twice", kMalformed,
                      [](auto& m) { m.errors[1].first = m.errors[0].first; }),
  };
}

std::vector<Case> batches() {
  return {
      broken<Results>("results", "fewer payloads than tasks", kMalformed,
                      [](auto& m) {
                        m.batch = batch_of({"1", "2"});
                      }),
      broken<Results>("results", "payloads without tasks", kMalformed,
                      [](auto& m) { m.tasks.clear(); }),
      broken<Report>("report", "one payload for two tasks", kMalformed,
                     [](auto& m) { m.batch = batch_of({"1"}); }),
      broken<Report>("report_partial", "one payload per task", kMalformed,
                     [](auto& m) { m.batch = uniform_batch(5, 1); }),
      broken<Lease>("lease_items", "payload missing", kMalformed,
                    [](auto& m) { m.batch = batch_of({"1"}); }),
      broken<Lease>("lease_items", "indexed and payloads", kMalformed,
                    [](auto& m) { m.indexed = true; }),
      broken<Lease>("lease_range", "range and payloads", kMalformed,
                    [](auto& m) { m.batch = uniform_batch(1000, 1); }),
      broken<Lease>("lease_merge", "nothing to merge", kMalformed, [](auto& m) { m.batch = {}; }),
      broken<Lease>("lease_merge", "two intervals", kMalformed,
                    [](auto& m) {
                      m.tasks = {{0, 1}, {2, 3}};
                    }),
      broken<Lease>("lease_merge", "finish of two", kMalformed,
                    [](auto& m) { m.kind = LeaseKind::finish; }),
      broken<Submit>("submit_full", "costs of others", kMalformed,
                     [](auto& m) { m.costs.push_back(1); }),
      broken<Append>(
          "append", "too many tasks", kLimit,
          [](auto& m) { m.batch = uniform_batch(kBatchTasksMax + 1, 0), m.costs.clear(); }),
      broken<Append>(
          "append", "two items too large together", kLimit,
          [](auto& m) { m.batch = uniform_batch(2, kBatchBytesMax / 2), m.costs.clear(); }),
      broken<Append>("append", "too large with its costs", kLimit,
                     [](auto& m) {
                       m.batch = uniform_batch(2, kBatchBytesMax / 2 - 4), m.costs = {1, 2};
                     }),
      broken<Append>(
          "append", "one item too large", kLimit,
          [](auto& m) { m.batch = uniform_batch(1, kItemBytesMax + 1), m.costs.clear(); }),
      broken<Results>(
          "results", "two results too large together", kLimit,
          [](auto& m) {
            m.tasks = {{0, 2}}, m.written = {}, m.batch = uniform_batch(2, kBatchBytesMax / 2);
          }),
      broken<Report>("report", "output of a task that did not fail", kMalformed,
                     [](auto& m) {
                       m.written = {{3, 4}};
                     }),
      broken<Report>("report", "output that is not there", kMalformed,
                     [](auto& m) {
                       m.written = {{7, 9}};
                     }),
      broken<Report>("report_partial", "output beside what is folded", kMalformed,
                     [](auto& m) {
                       m.errors = {{.first = 20, .text = "x"}}, m.written = {{20, 21}};
                     }),
      broken<Results>("results", "output that is not there", kMalformed,
                      [](auto& m) {
                        m.written = {{7, 9}};
                      }),
      broken<Blob>("blob", "chunk too large", kLimit,
                   [](auto& m) { m.bytes = Buffer::adopt(Bytes(kBlobChunk + 1, 'x')); }),
      broken<Common>("common", "too large", kLimit,
                     [](auto& m) { m.bytes = Buffer::adopt(Bytes(kItemBytesMax + 1, 'x')); }),
  };
}

std::vector<Case> rules() {
  return {
      broken<Hello>("hello_client", "worker with role client", kMalformed,
                    [](auto& m) { m.worker.emplace(); }),
      broken<Hello>("hello_worker", "role worker without one", kMalformed,
                    [](auto& m) { m.worker.reset(); }),
      broken<Hello>("hello_client", "no identity", kMalformed, [](auto& m) { m.identity = {}; }),
      broken<Submit>("submit_full", "no job", kMalformed, [](auto& m) { m.job = {}; }),
      broken<Submit>("submit_full", "no function", kMalformed, [](auto& m) { m.function.clear(); }),
      broken<Submit>("submit_full", "no such input", kMalformed,
                     [](auto& m) { m.input = static_cast<InputKind>(9); }),
      broken<Submit>("submit_range", "backwards", kMalformed, [](auto& m) { m.range_end = -6; }),
      broken<Submit>("submit_range", "open", kMalformed, [](auto& m) { m.open = true; }),
      broken<Submit>("submit_range", "payloads", kMalformed,
                     [](auto& m) { m.batch = batch_of({"x"}); }),
      broken<Submit>("submit_range", "too long", kLimit,
                     [](auto& m) {
                       m.range_begin = std::numeric_limits<std::int64_t>::min(), m.range_end = 0;
                     }),
      broken<Append>("append", "no job", kMalformed, [](auto& m) { m.job = {}; }),
      broken<Ack>("ack", "no job", kMalformed, [](auto& m) { m.job = {}; }),
      broken<Submit>("submit_full", "what is no blob", kMalformed,
                     [](auto& m) { m.options.blobs[0][3] = 'A'; }),
      broken<Submit>("submit_full", "a blob twice", kMalformed,
                     [](auto& m) { m.options.blobs.push_back(m.options.blobs[0]); }),
      broken<Submit>("submit_full", "too many blobs", kLimit,
                     [](auto& m) { m.options.blobs.resize(kBlobsMax + 1, std::string(64, '0')); }),
      broken<Common>("common", "what is no blob", kMalformed,
                     [](auto& m) { m.blobs[0] = "../../etc/passwd"; }),
      broken<Blob>("blob", "what is no blob", kMalformed, [](auto& m) { m.blob.pop_back(); }),
      broken<Blob>("blob", "beyond the last chunk", kMalformed,
                   [](auto& m) { m.chunk = m.chunks; }),
      broken<Fetch>("fetch", "what is no blob", kMalformed, [](auto& m) { m.blob += '0'; }),
      broken<Lease>("lease_range", "no tasks", kMalformed, [](auto& m) { m.tasks.clear(); }),
      broken<Lease>("lease_range", "integers beyond 2^63", kLimit,
                    [](auto& m) { m.base = std::numeric_limits<std::int64_t>::max() - 1; }),
  };
}

void expect_refused(const std::vector<Case>& cases) {
  for (const auto& c : cases) {
    const auto result = decode(encode({SessionId{1}, c.message}));
    const auto* error = std::get_if<DecodeError>(&result);
    ASSERT_NE(error, nullptr) << c.name;
    EXPECT_EQ(error->code, c.code) << c.name << ": " << error->text;
    EXPECT_FALSE(error->text.empty());
  }
}

TEST(Limits, numbers_out_of_range_are_refused) { expect_refused(numbers()); }
TEST(Limits, names_and_lists_over_the_limit_are_refused) { expect_refused(names_and_lists()); }
TEST(Limits, malformed_intervals_are_refused) { expect_refused(intervals()); }
TEST(Limits, batches_over_the_limit_are_refused) { expect_refused(batches()); }
TEST(Limits, messages_that_break_a_rule_are_refused) { expect_refused(rules()); }

TEST(Limits, real_numbers_that_are_not_finite_are_refused) {
  // The encoder omits such numbers, so patch the bytes; the weight is the only 1234.5 in them.
  Submit submit = std::get<Submit>(sample("submit_full").message);
  submit.options.weight = 1234.5;
  const Frames frames = encode({SessionId{1}, submit});
  const Bytes header(frames[0].view());
  const auto at = header.find(Bytes("\xcb\x40\x93\x4a\0\0\0\0\0", 9));
  ASSERT_NE(at, Bytes::npos);
  for (const auto* bytes : {"\x7f\xf8", "\xff\xf8", "\x7f\xf0", "\xff\xf0"}) {
    Bytes changed = header;
    changed.replace(at + 1, 3, Bytes(bytes) + '\0');
    Frames other = frames;
    other[0] = Buffer::adopt(std::move(changed));
    const auto result = decode(std::move(other));
    ASSERT_TRUE(std::holds_alternative<DecodeError>(result));
    EXPECT_EQ(std::get<DecodeError>(result).text, "SUBMIT: weight: not finite");
  }
}

TEST(Limits, values_exactly_at_the_limit_pass) {
  const auto passes = [](Message m) {
    const auto result = decode(encode({SessionId{1}, std::move(m)}));
    const auto* error = std::get_if<DecodeError>(&result);
    EXPECT_EQ(error, nullptr) << error->text;
  };
  Append append{.job = uuid_of(1),
                .first = 0,
                .close = false,
                .batch = uniform_batch(1, kItemBytesMax),
                .costs = {}};
  passes(append);
  append.batch = uniform_batch(kBatchTasksMax, 15);
  passes(append);
  append.batch = uniform_batch(2, kBatchBytesMax / 2 - 2);
  passes(append);
  append.first = kTasksMax - 2;
  passes(append);
  Forget forget;
  forget.jobs.resize(kListMax);
  passes(forget);
  Submit submit = std::get<Submit>(sample("submit_range").message);
  submit.options.attempts = kAttemptsMax;
  submit.options.timeout_ms = kTimeoutMsMax;
  submit.function = std::string(kNameBytesMax, 'f');
  passes(submit);
  // Two partials of half the item limit must still fit into one merge.
  Lease merge = std::get<Lease>(sample("lease_merge").message);
  merge.batch = uniform_batch(2, kItemBytesMax / 2);
  passes(merge);
}

TEST(Limits, errors_name_the_message_and_the_key) {
  Submit submit = std::get<Submit>(sample("submit_full").message);
  submit.options.attempts = 5000;
  const auto result = decode(encode({SessionId{1}, submit}));
  EXPECT_EQ(std::get<DecodeError>(result).text, "SUBMIT: attempts: over the limit of 1000");
}

}  // namespace
}  // namespace quern::wire::test
