// Reports that the broker has not acknowledged. They are kept until REPORTED and sent again in a
// new session, so a finished task is not run again because a connection broke. Invariant: bytes()
// is the weight of what is in it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "wire/messages.hpp"

namespace quern::worker {

class Outbox {
 public:
  void put(wire::Report report);
  /// Removes the report with this id, which was acknowledged or is not needed.
  std::optional<wire::Report> remove(const wire::ReportId& id);
  /// Removes all reports of a lease that was withdrawn.
  void remove_all(const wire::LeaseId& lease);

  bool empty() const { return reports_.empty(); }
  std::size_t size() const { return reports_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t count(const wire::LeaseId& lease) const;
  /// Ordered by lease, then by part.
  const std::map<wire::ReportId, wire::Report>& reports() const { return reports_; }

  /// The size of a report that counts towards the report window: its parts and its error texts.
  static std::uint64_t weight(const wire::Report& report);

 private:
  std::map<wire::ReportId, wire::Report> reports_;
  std::uint64_t bytes_ = 0;
};

}  // namespace quern::worker
