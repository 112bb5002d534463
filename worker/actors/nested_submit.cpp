#include "worker/actors/nested_submit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "quern/error.hpp"
#include "wire/batch.hpp"
#include "wire/rules.hpp"

namespace quern::worker {
namespace {

[[noreturn]] void refuse(ErrorCode code, const std::string& text) { throw SubmitError(code, text); }

std::uint64_t ms(std::chrono::milliseconds d) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(d.count(), 0));
}

void check_size(std::size_t bytes) {
  if (bytes > wire::kItemBytesMax) refuse(ErrorCode::limit, "an input is over the limit of 64 MiB");
}

void put(wire::Submit& submit, Whole& whole) {
  check_size(whole.bytes.size());
  submit.input = InputKind::whole;
  submit.encoding = whole.encoding;
  wire::BatchBuilder builder;
  builder.add(whole.bytes);
  submit.batch = builder.take();
}

void put(wire::Submit& submit, const Range& range) {
  submit.input = InputKind::range;
  submit.range_begin = range.begin;
  submit.range_end = range.end;
}

void put(wire::Submit& submit, Items& items) {
  submit.input = InputKind::items;
  submit.encoding = items.encoding;
  wire::BatchBuilder builder;
  std::size_t bytes = 0, count = 0;
  for (Bytes item; items.next && items.next(item); item.clear()) {
    check_size(item.size());
    if (items.cost) submit.costs.push_back(static_cast<float>(items.cost(item)));
    bytes += item.size() + 4 + (items.cost ? 4 : 0);
    if (++count > wire::kBatchTasksMax || (count > 1 && bytes > wire::kBatchBytesMax))
      refuse(ErrorCode::limit,
             "a task can submit up to 65536 items with 1 MiB in all as one job: submit several");
    builder.add(item);
  }
  submit.batch = builder.take();
}

template <typename Other>
void put(wire::Submit&, const Other&) {
  refuse(ErrorCode::bad_input,
         "a task can submit items, a range or one whole input, but no open job and no results of "
         "other jobs");
}

void put(wire::JobOptions& out, SubmitOptions& options) {
  if (!options.unique.empty() || !options.blobs.empty() || !options.after.empty())
    refuse(ErrorCode::bad_input,
           "a job that a task submits cannot have an idempotency key, files or edges");
  const auto valid = [](double number) { return std::isfinite(number) && number >= 0; };
  if (!valid(options.weight) || options.weight == 0 || !valid(options.cost))
    refuse(ErrorCode::bad_input, "the weight must be above 0, and the cost not below");
  if (options.attempts < 1 || options.attempts > wire::kAttemptsMax)
    refuse(ErrorCode::limit, "attempts must be 1 to " + std::to_string(wire::kAttemptsMax));
  if (std::max({options.name.size(), options.reduce.size()}) > wire::kNameBytesMax)
    refuse(ErrorCode::limit, "a name is over the limit of 255 bytes");
  out.name = std::move(options.name);
  out.priority = options.priority;
  out.weight = options.weight;
  out.attempts = options.at_most_once ? 1 : options.attempts;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  out.backoff_ms = static_cast<std::uint32_t>(std::min(ms(options.backoff), kMost));
  out.timeout_ms = std::min(ms(options.timeout), wire::kTimeoutMsMax);
  out.detach = true;
  out.reduce = std::move(options.reduce);
  out.cost = options.cost;
  out.require = std::move(options.require);
  out.resources = std::move(options.resources);
  out.idempotent = options.idempotent;
  out.at_most_once = options.at_most_once;
  out.ttl_s = std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(options.ttl.count(), 0)),
                       wire::kTtlMax);
  out.intermediate = options.intermediate;
  out.deadline_ms = std::min(ms(options.deadline), wire::kTimeoutMsMax);
  out.metadata = std::move(options.metadata);
  out.nested = options.nested;
}

}  // namespace

wire::Submit nested_submit(std::string function, Input input, SubmitOptions options) {
  if (function.size() > wire::kNameBytesMax)
    refuse(ErrorCode::limit, "the name of the function is over the limit of 255 bytes");
  wire::Submit submit;
  submit.job = Uuid::random();
  submit.function = std::move(function);
  std::visit([&](auto& some) { put(submit, some); }, input);
  put(submit.options, options);
  if (options.common) {
    check_size(options.common->size());
    submit.has_common = true;
    submit.common = wire::Buffer::adopt(std::move(*options.common));
  }
  if (const auto broken = wire::broken_rule(submit))
    refuse(broken->code == ErrorCode::malformed ? ErrorCode::bad_input : broken->code,
           broken->text);
  return submit;
}

}  // namespace quern::worker
