#include "broker/core/edges/upstream.hpp"

namespace quern::broker {
namespace {

// Bytes of memory for a result that is gathered: its place, and a link to it.
constexpr std::uint64_t kGathered = 24;

std::string tasks_of(const Job& job, std::uint64_t first, std::uint64_t count) {
  return (count == 1
              ? "task " + std::to_string(first)
              : "tasks " + std::to_string(first) + " to " + std::to_string(first + count - 1)) +
         " of " + name_of(job);
}

}  // namespace

std::uint64_t gathered_most(const Config& config) { return config.memory_limit / 4 / kGathered; }

std::string too_many_results(std::uint64_t results, const Config& config) {
  return "its tasks take several of " + std::to_string(results) +
         " results each, and the broker can follow " + std::to_string(gathered_most(config)) +
         " one by one (a quarter of --memory-limit): use the pattern `each`, or a reducer";
}

bool is_reduced(const Job& job) { return job.run.decision && !job.run.decision->reduce.empty(); }

Encoding encoding_of(const Job& job) {
  if (!job.run.decision) return job.intake.encoding;
  const auto builtin = wire::builtin_reducer(job.run.decision->reduce);
  return builtin ? wire::result_encoding(*builtin) : job.run.decision->encoding;
}

std::string name_of(const Job& job) { return "job " + std::to_string(value(job.number)); }

std::string blame(const Job& job, const TaskError& error) {
  if (error.code == ErrorCode::upstream_failed) return error.text;
  const std::string who = tasks_of(job, error.first, error.count);
  if (error.code == ErrorCode::cancelled)
    return who + (error.count == 1 ? " was cancelled" : " were cancelled");
  return who + " failed: " + error.text;
}

std::string bad_end(const Job& job) {
  if (job.phase.state == JobState::done)
    return "the results of " + name_of(job) +
           " are no longer there: they have been read, or passed on, and dropped";
  return name_of(job) + (job.phase.state == JobState::failed ? " failed" : " was cancelled") +
         (job.phase.reason->empty() ? "" : ": " + *job.phase.reason);
}

}  // namespace quern::broker
