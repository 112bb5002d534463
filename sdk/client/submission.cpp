#include "client/submission.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "wire/blob.hpp"
#include "wire/limits.hpp"
#include "wire/rules.hpp"

namespace quern::client {
namespace {

// Jobs report changes of their state this often, so that progress() needs no query.
constexpr std::uint32_t kWatchMs = 250;

std::optional<Failure> too_long(const char* what, const std::string& name) {
  if (name.size() <= wire::kNameBytesMax) return std::nullopt;
  return Failure{ErrorCode::limit, std::string(what) + " has " + std::to_string(name.size()) +
                                       " bytes; the limit is " +
                                       std::to_string(wire::kNameBytesMax)};
}

std::optional<Failure> too_large(const char* what, std::size_t size) {
  if (size <= wire::kItemBytesMax) return std::nullopt;
  return Failure{ErrorCode::limit, std::string(what) + " has " + std::to_string(size) +
                                       " bytes; the limit is 64 MiB"};
}

Failure bad(const char* text) { return {ErrorCode::bad_input, text}; }

std::optional<Failure> check_edge(const JobEdge& edge) {
  if (edge.uuid.is_nil() && value(edge.number) == 0)
    return bad("an edge names no job: give its UUID or its number");
  if (edge.width == 0 || edge.step == 0 || edge.width > wire::kTasksMax ||
      edge.step > wire::kTasksMax)
    return bad("the width and the step of a group must be 1 to 2^62");
  return std::nullopt;
}

std::optional<Failure> check_input(const Input& input) {
  if (const auto* results = std::get_if<ResultsOf>(&input)) {
    if (results->from.pattern == EdgePattern::list || results->from.pattern == EdgePattern::after)
      return bad("results are taken by the pattern each, group or all");
    return check_edge(results->from);
  }
  if (const auto* links = std::get_if<Links>(&input)) {
    for (const JobEdge& edge : links->jobs)
      if (auto failure = check_edge(edge)) return failure;
    return too_large("the graph", links->columns.size());
  }
  if (const auto* whole = std::get_if<Whole>(&input))
    return too_large("the input", whole->bytes.size());
  if (const auto* range = std::get_if<Range>(&input)) {
    if (range->begin > range->end) return bad("the range ends before it begins");
    if (range->size() > wire::kTasksMax)
      return Failure{ErrorCode::limit, "the range has more than 2^62 integers"};
  }
  return std::nullopt;
}

template <typename Map>
std::optional<Failure> check_names(const char* what, const Map& map) {
  if (map.size() > 1000) return Failure{ErrorCode::limit, std::string("more than 1000 ") + what};
  for (const auto& [name, v] : map) {
    if (auto failure = too_long(what, name)) return failure;
    if constexpr (std::is_same_v<typename Map::mapped_type, std::string>) {
      if (auto failure = too_long(what, v)) return failure;
    } else {
      if (!std::isfinite(v) || v < 0) return bad("a resource must be a number and not negative");
    }
  }
  return std::nullopt;
}

std::uint64_t ms(std::chrono::milliseconds d) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(d.count(), 0));
}

std::int64_t unix_ms(std::chrono::system_clock::time_point time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::optional<Failure> check_submission(const std::string& function, const Input& input,
                                        const SubmitOptions& options) {
  if (function.empty()) return bad("the function has no name");
  if (auto failure = too_long("the function's name", function)) return failure;
  if (auto failure = too_long("the job's name", options.name)) return failure;
  if (auto failure = too_long("the idempotency key (unique)", options.unique)) return failure;
  if (auto failure = too_long("the reducer's name", options.reduce)) return failure;
  if (!std::isfinite(options.weight) || options.weight <= 0)
    return bad("the weight must be above 0");
  if (options.attempts < 1 || options.attempts > wire::kAttemptsMax) {
    return Failure{ErrorCode::limit, "attempts must be 1 to " + std::to_string(wire::kAttemptsMax)};
  }
  if (!std::isfinite(options.cost) || options.cost < 0) return bad("the cost must not be negative");
  if (options.ttl.count() < 0 || static_cast<std::uint64_t>(options.ttl.count()) > wire::kTtlMax)
    return Failure{ErrorCode::limit, "the time to live must be 0 to 100 years"};
  if (options.deadline.count() < 0 ||
      static_cast<std::uint64_t>(options.deadline.count()) > wire::kTimeoutMsMax)
    return Failure{ErrorCode::limit, "the deadline must be 0 to 10^12 ms"};
  if (options.start_in.count() < 0 ||
      static_cast<std::uint64_t>(options.start_in.count()) > wire::kTimeoutMsMax)
    return Failure{ErrorCode::limit, "the delay of the start must be 0 to 10^12 ms"};
  if (options.start_at && options.start_in.count() != 0)
    return bad("a job has a time at which it starts or a delay, not both");
  if (options.start_at &&
      (unix_ms(*options.start_at) < 0 ||
       static_cast<std::uint64_t>(unix_ms(*options.start_at)) > wire::kWallMsMax))
    return bad("the time at which a job starts must be between the years 1970 and 2200");
  if (auto failure = check_names("the metadata", options.metadata)) return failure;
  if (const std::size_t bytes = wire::metadata_bytes(options.metadata);
      bytes > wire::kMetadataBytesMax)
    return Failure{ErrorCode::limit,
                   "the metadata has " + std::to_string(bytes) + " bytes; the limit is 16384"};
  if (!options.follow && !options.detach)
    return bad("a job that is not followed must be detached, or its client would be waited for");
  if (options.idempotent && options.at_most_once)
    return bad(
        "a job cannot be both idempotent and at_most_once: the former allows a second start, the "
        "latter forbids it");
  if (options.common) {
    if (auto failure = too_large("the common input", options.common->size())) return failure;
  }
  if (auto failure = check_names("labels", options.require)) return failure;
  if (auto failure = check_names("resources", options.resources)) return failure;
  if (options.blobs.size() > wire::kBlobsMax)
    return Failure{ErrorCode::limit, "more than 1000 files"};
  if (!std::all_of(options.blobs.begin(), options.blobs.end(), wire::is_blob_name))
    return bad("a file must be named by its hash, which Client::put() returns");
  if (options.after.size() > wire::kListMax)
    return Failure{ErrorCode::limit,
                   "a job can wait for at most 10000 others: wait for a job that "
                   "waits for some of them"};
  for (const JobEdge& edge : options.after)
    if (auto failure = check_edge(edge)) return failure;
  return check_input(input);
}

wire::Submit submission(const Uuid& uuid, std::string function, const Input& input,
                        SubmitOptions options) {
  wire::Submit submit;
  submit.job = uuid;
  submit.function = std::move(function);
  if (const auto* whole = std::get_if<Whole>(&input)) {
    submit.input = InputKind::whole;
    submit.encoding = whole->encoding;
  } else if (const auto* range = std::get_if<Range>(&input)) {
    submit.input = InputKind::range;
    submit.range_begin = range->begin;
    submit.range_end = range->end;
  } else {
    submit.input = InputKind::items;
    if (const auto* open = std::get_if<Open>(&input)) {
      submit.encoding = open->encoding;
      submit.open = true;
    } else if (const auto* results = std::get_if<ResultsOf>(&input)) {
      submit.edges.push_back(results->from);
      submit.join = results->join;
    } else if (const auto* links = std::get_if<Links>(&input)) {
      submit.edges = links->jobs;
      submit.join = links->join;
      submit.encoding = links->encoding;
      submit.has_links = true;
      submit.links = wire::Buffer::copy(links->columns);
    } else if (const auto* feed = std::get_if<Feed>(&input)) {
      submit.encoding = feed->encoding();
    } else {
      submit.encoding = std::get<Items>(input).encoding;
    }
  }
  if (options.follow)
    submit.watch_ms = kWatchMs;
  else
    submit.window = 0;  // and no news
  if (options.common) {
    submit.has_common = true;
    submit.common = wire::Buffer::adopt(std::move(*options.common));
  }
  wire::JobOptions& out = submit.options;
  out.name = std::move(options.name);
  out.priority = options.priority;
  out.weight = options.weight;
  out.attempts = options.attempts;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  out.backoff_ms = static_cast<std::uint32_t>(std::min(ms(options.backoff), kMost));
  out.timeout_ms = ms(options.timeout);
  out.detach = options.detach;
  out.durability = options.durability.value_or(Durability::automatic);
  out.unique = std::move(options.unique);
  out.reduce = std::move(options.reduce);
  out.cost = options.cost;
  out.require = std::move(options.require);
  out.resources = std::move(options.resources);
  out.idempotent = options.idempotent;
  out.at_most_once = options.at_most_once;
  if (options.at_most_once) out.attempts = 1;
  // There is no input to compare yet.
  out.unique_any = options.unique_any || std::holds_alternative<Open>(input);
  for (JobEdge edge : options.after) {
    edge.pattern = EdgePattern::after;
    submit.edges.push_back(edge);
  }
  out.intermediate = options.intermediate;
  out.nested = options.nested;
  out.deadline_ms = ms(options.deadline);
  out.metadata = std::move(options.metadata);
  if (options.start_at) out.start_at_ms = static_cast<std::uint64_t>(unix_ms(*options.start_at));
  out.start_in_ms = ms(options.start_in);
  out.ttl_s = static_cast<std::uint64_t>(options.ttl.count());
  out.blobs = std::move(options.blobs);
  std::sort(out.blobs.begin(), out.blobs.end());
  out.blobs.erase(std::unique(out.blobs.begin(), out.blobs.end()), out.blobs.end());
  return submit;
}

bool may_coalesce(const Input& input, const SubmitOptions& options) {
  return std::holds_alternative<Whole>(input) && !options.detach && options.unique.empty() &&
         options.reduce.empty() && options.deadline.count() == 0 && options.after.empty() &&
         !options.intermediate && !options.start_at && options.start_in.count() == 0 &&
         !options.nested;
}

}  // namespace quern::client
