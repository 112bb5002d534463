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

Broken rule(const Submit& m) {
  if (auto broken = blobs_rule(m.options.blobs)) return broken;
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

Broken rule(const Append& m) {
  if (m.job.is_nil()) return malformed("job is missing");
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

Broken rule(const Common& m) { return blobs_rule(m.blobs); }

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
