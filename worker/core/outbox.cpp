#include "worker/core/outbox.hpp"

namespace quern::worker {

std::uint64_t Outbox::weight(const wire::Report& report) {
  std::uint64_t sum = report.batch.weight();
  for (const auto& error : report.errors) sum += error.text.size();
  return sum;
}

void Outbox::put(wire::Report report) {
  const std::uint64_t weighs = weight(report);
  const wire::ReportId id = report.id;
  if (reports_.try_emplace(id, std::move(report)).second) bytes_ += weighs;
}

std::optional<wire::Report> Outbox::remove(const wire::ReportId& id) {
  auto node = reports_.extract(id);
  if (!node) return std::nullopt;
  bytes_ -= weight(node.mapped());
  return std::move(node.mapped());
}

void Outbox::remove_all(const wire::LeaseId& lease) {
  for (auto at = reports_.lower_bound({lease, 0});
       at != reports_.end() && at->first.lease == lease;) {
    bytes_ -= weight(at->second);
    at = reports_.erase(at);
  }
}

std::size_t Outbox::count(const wire::LeaseId& lease) const {
  std::size_t n = 0;
  for (auto at = reports_.lower_bound({lease, 0}); at != reports_.end() && at->first.lease == lease;
       ++at)
    ++n;
  return n;
}

}  // namespace quern::worker
