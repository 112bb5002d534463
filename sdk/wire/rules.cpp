#include "wire/rules.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "wire/blob.hpp"

namespace quern::wire {
namespace {

using Broken = std::optional<DecodeError>;

Broken malformed(const char* text) { return DecodeError{ErrorCode::malformed, text}; }
Broken over(const char* text) { return DecodeError{ErrorCode::limit, text}; }

/// The parts of one message together must be below the batch limit, so that one message does not
/// delay others for long; a single item may be larger.
Broken batch_rule(const Batch& batch, std::size_t costs = 0) {
  if (batch.count() > 1 && batch.weight() + 4 * costs > kBatchBytesMax)
    return over("batch: several items together are over the limit of 1048576 bytes");
  return std::nullopt;
}

Broken costs_rule(const Batch& batch, const std::vector<float>& costs) {
  if (!costs.empty() && costs.size() != batch.count()) return malformed("costs: not one per task");
  return batch_rule(batch, costs.size());
}

/// No task may be listed twice, as a result or as an error.
Broken errors_rule(const Intervals& tasks, const std::vector<TaskError>& errors) {
  if (errors.empty()) return std::nullopt;
  Intervals all = tasks;
  all.reserve(tasks.size() + errors.size());
  for (const auto& error : errors) {
    if (error.first > kTasksMax || error.count > kTasksMax - error.first)
      return over("errors: index over the limit of 2^62");
    all.push_back({error.first, error.first + error.count});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  return well_formed(all) ? std::nullopt : malformed("errors: a task is named twice");
}

/// Only failed tasks may be listed in `written`.
Broken written_rule(const Intervals& written, const std::vector<TaskError>& errors) {
  if (written.empty()) return std::nullopt;
  IntervalSet failed;
  for (const auto& error : errors) failed.add({error.first, error.first + error.count});
  const bool all = std::all_of(written.begin(), written.end(),
                               [&](const Interval& tasks) { return failed.contains(tasks); });
  return all ? std::nullopt : malformed("written: a task that is not among the errors");
}

Broken rule(const Hello& m) {
  if (m.protocol_min > m.protocol_max) return malformed("protocol_min is above protocol_max");
  if (m.identity.is_nil()) return malformed("identity is missing");
  if ((m.role == Role::worker) != m.worker.has_value())
    return malformed("worker: must be there exactly when role is worker");
  if (m.worker && m.worker->plugins.size() > kPluginsMax)
    return over("plugins: over the limit of 32");
  if (m.worker && std::any_of(m.worker->plugins.begin(), m.worker->plugins.end(),
                              [](const auto& p) { return p.size() > kPluginBytesMax; }))
    return over("plugins: a name is over the limit of 512 bytes");
  return std::nullopt;
}

Broken blobs_rule(const std::vector<std::string>& blobs) {
  if (blobs.size() > kBlobsMax) return over("blobs: over the limit of 1000");
  if (!std::all_of(blobs.begin(), blobs.end(), is_blob_name))
    return malformed("blobs: not 64 lower-case hexadecimal digits");
  return std::set<std::string_view>(blobs.begin(), blobs.end()).size() == blobs.size()
             ? std::nullopt
             : malformed("blobs: one is named twice");
}

/// Which edges a job may have together.
Broken edges_rule(const Submit& m) {
  std::size_t whole = 0, lists = 0;
  for (const JobEdge& edge : m.edges) {
    if (edge.uuid.is_nil() && value(edge.number) == 0) return malformed("edges: job is missing");
    if (edge.pattern == EdgePattern::unknown) return malformed("edges: an unknown pattern");
    lists += edge.pattern == EdgePattern::list ? 1 : 0;
    whole += edge.pattern != EdgePattern::list && edge.pattern != EdgePattern::after ? 1 : 0;
  }
  if (whole > 1 || (whole > 0 && (lists > 0 || m.has_links)))
    return malformed("edges: more than one of `each`, `group` and `all`, or one beside `list`");
  if (lists > 0 && !m.has_links) return malformed("edges: `list` without links");
  if (whole == 0 && !m.has_links) return std::nullopt;
  if (m.input != InputKind::items || m.batch.count() > 0 || m.open)
    return malformed("edges: a job that takes results of others has no input of its own");
  return std::nullopt;
}

Broken metadata_rule(const std::map<std::string, std::string>& metadata) {
  return metadata_bytes(metadata) > kMetadataBytesMax
             ? over("metadata: over the limit of 16384 bytes")
             : std::nullopt;
}

/// What a job that a task submits must not have: the broker would have to follow more than the
/// task.
Broken nested_rule(const Submit& m) {
  if (m.lease == LeaseId{}) return std::nullopt;
  if (m.open || !m.edges.empty() || m.has_links || !m.options.blobs.empty() ||
      !m.options.unique.empty())
    return DecodeError{
        ErrorCode::bad_input,
        "a task can submit only jobs with their whole input, without edges, files or "
        "an idempotency key"};
  return std::nullopt;
}

Broken rule(const Submit& m) {
  if (auto broken = nested_rule(m)) return broken;
  if (auto broken = edges_rule(m)) return broken;
  if (auto broken = blobs_rule(m.options.blobs)) return broken;
  if (auto broken = metadata_rule(m.options.metadata)) return broken;
  if (m.options.start_at_ms != 0 && m.options.start_in_ms != 0)
    return malformed("start_at_ms and start_in_ms exclude each other");
  if (m.job.is_nil()) return malformed("job is missing");
  if (m.function.empty()) return malformed("function is missing");
  if (m.input != InputKind::range) return costs_rule(m.batch, m.costs);
  if (m.range_begin > m.range_end) return malformed("range_begin is above range_end");
  if (static_cast<std::uint64_t>(m.range_end) - static_cast<std::uint64_t>(m.range_begin) >
      kTasksMax)
    return over("range: over the limit of 2^62 tasks");
  if (m.open || m.batch.count() > 0) return malformed("a range has no payloads");
  return std::nullopt;
}

Broken rule(const Schedule& m) {
  if (m.name.empty()) return malformed("name is missing");
  if (m.name.size() > kScheduleNameBytesMax) return over("name: over the limit of 100 bytes");
  const bool adds = m.action == ScheduleAction::add || m.action == ScheduleAction::replace;
  if (adds != m.job.has_value())
    return malformed("job: must be there exactly when a schedule is added or replaced");
  if (adds && m.cron.empty()) return malformed("cron is missing");
  if (adds && m.job->lease != LeaseId{})
    return malformed("job: the job of a schedule belongs to no task");
  return adds ? rule(*m.job) : std::nullopt;
}

Broken rule(const Append& m) {
  if (m.job.is_nil() && (m.token == 0 || value(m.number) == 0)) return malformed("job is missing");
  if (m.batch.count() > kTasksMax - m.first) return over("first: over the limit of 2^62 tasks");
  return costs_rule(m.batch, m.costs);
}

Broken rule(const Ack& m) { return m.job.is_nil() ? malformed("job is missing") : std::nullopt; }

Broken rule(const Results& m) {
  if (m.batch.count() != size(m.tasks) + size(m.written))
    return malformed("count: not one payload per task");
  if (auto broken = errors_rule(m.tasks, m.errors)) return broken;
  return batch_rule(m.batch);
}

Broken lease_batch_rule(const Lease& m) {
  switch (m.kind) {
    case LeaseKind::range:
      if (m.batch.count() != 0) return malformed("count: a range lease has no payloads");
      return std::nullopt;
    case LeaseKind::item:
    case LeaseKind::whole:
      if (m.batch.count() != (m.indexed ? 0 : size(m.tasks)))
        return malformed("count: not one payload per task");
      return batch_rule(m.batch);
    case LeaseKind::finish:
      if (m.batch.count() != 1) return malformed("count: finish takes one payload");
      break;
    case LeaseKind::merge:
      // Two partials may together exceed the batch limit and must still be merged, so only the part
      // limit applies.
      if (m.batch.count() == 0) return malformed("count: merge takes payloads");
      break;
  }
  return m.tasks.size() == 1 ? std::nullopt
                             : malformed("tasks: merge and finish take one interval");
}

Broken rule(const Lease& m) {
  if (m.tasks.empty()) return malformed("tasks is missing");
  const auto room = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) -
                    static_cast<std::uint64_t>(m.base);
  if (m.tasks.back().end > room) return over("base: integers beyond 2^63");
  return lease_batch_rule(m);
}

Broken rule(const Report& m) {
  if (m.partial && !m.written.empty())
    return malformed("written: what is folded has no output of failed tasks");
  if (m.batch.count() != (m.partial ? m.tasks.size() : size(m.tasks) + size(m.written)))
    return malformed(m.partial ? "count: not one payload per interval"
                               : "count: not one payload per task");
  if (auto broken = errors_rule(m.tasks, m.errors)) return broken;
  if (auto broken = written_rule(m.written, m.errors)) return broken;
  return batch_rule(m.batch);
}

Broken rule(const Common& m) {
  if (auto broken = metadata_rule(m.metadata)) return broken;
  return blobs_rule(m.blobs);
}

Broken rule(const Blob& m) {
  if (!is_blob_name(m.blob)) return malformed("blob: not 64 lower-case hexadecimal digits");
  if (!m.why.empty()) return std::nullopt;
  if (m.bytes.size() > kBlobChunk) return over("chunk: over the limit of 1048576 bytes");
  return m.chunk < std::max<std::uint64_t>(1, m.chunks) ? std::nullopt
                                                        : malformed("chunk: beyond the last");
}

Broken rule(const Fetch& m) {
  return is_blob_name(m.blob) ? std::nullopt
                              : malformed("blob: not 64 lower-case hexadecimal digits");
}

template <typename T>
Broken rule(const T&) {
  return std::nullopt;
}

}  // namespace

std::optional<DecodeError> broken_rule(const Message& message) {
  return std::visit([](const auto& m) { return rule(m); }, message);
}

}  // namespace quern::wire
