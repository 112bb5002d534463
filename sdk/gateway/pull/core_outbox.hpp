// Reports that the broker has not acknowledged. They are sent again in a new session, so that a
// result is not lost because a connection broke.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "gateway/pull/core_types.hpp"

namespace quern::gateway::pull {

class Outbox {
 public:
  struct Entry {
    wire::Report report;
    std::vector<BatchId> batches;  ///< whose clients wait for the acknowledgement
  };

  void put(wire::Report report, std::vector<BatchId> batches) {
    const wire::ReportId id = report.id;
    bytes_ += weight(report);
    reports_.emplace(id, Entry{std::move(report), std::move(batches)});
  }
  std::optional<Entry> remove(const wire::ReportId& id) {
    auto node = reports_.extract(id);
    if (!node) return std::nullopt;
    bytes_ -= weight(node.mapped().report);
    return std::move(node.mapped());
  }
  /// Whether a report of the lease is in it.
  bool has(const wire::LeaseId& lease) const {
    const auto at = reports_.lower_bound({lease, 0});
    return at != reports_.end() && at->first.lease == lease;
  }
  /// Removes the reports of a lease that was withdrawn.
  std::vector<Entry> remove_all(const wire::LeaseId& lease) {
    std::vector<Entry> removed;
    for (auto at = reports_.lower_bound({lease, 0});
         at != reports_.end() && at->first.lease == lease; at = reports_.erase(at)) {
      bytes_ -= weight(at->second.report);
      removed.push_back(std::move(at->second));
    }
    return removed;
  }

  bool empty() const { return reports_.empty(); }
  std::uint64_t bytes() const { return bytes_; }
  /// Ordered by lease, then by part.
  const std::map<wire::ReportId, Entry>& all() const { return reports_; }

  /// What counts towards the report window.
  static std::uint64_t weight(const wire::Report& report) {
    std::uint64_t sum = report.batch.weight();
    for (const auto& error : report.errors) sum += error.text.size();
    return sum;
  }

 private:
  std::map<wire::ReportId, Entry> reports_;
  std::uint64_t bytes_ = 0;
};

}  // namespace quern::gateway::pull
