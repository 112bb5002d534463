// What must always hold in the client's core; tests ask after every step.
#include <cstdint>
#include <string>

#include "client/core.hpp"

namespace quern::client {

using Stage = LiveJob::Stage;

std::string ClientCore::check_invariants() const {
  for (const auto& [key, job] : jobs_) {
    const std::string name = "job " + std::to_string(static_cast<std::uint64_t>(key)) + ": ";
    if (job.key != key) return name + "its key is another";
    if (const char* broken = job.input.broken()) return name + broken;
    if (job.stage == Stage::submitting && !job.submit) return name + "nothing to submit";
    if (job.stage == Stage::comparing && !job.own_input) return name + "nothing to compare";
    if (job.stage != Stage::submitting && job.submit)
      return name + "SUBMIT is kept after its answer";
    if (job.stage == Stage::submitting && job.received != 0)
      return name + "results before the answer to SUBMIT";
    if (job.consumed > job.received) return name + "consumed more than was received";
    if (job.acked > job.consumed) return name + "acknowledged more than was consumed";
    if (job.asked_input && !session_.is_open()) return name + "asks for input without a session";
    if (session_.is_open() && job.stage == Stage::live && job.input.kept() > 0 &&
        job.input.sent_weight() > job.input.credit_to() + wire::kItemBytesMax + 4) {
      return name + "sent beyond its credit";
    }
    if (!job.uuid.is_nil()) {
      const auto at = by_uuid_.find(job.uuid);
      if (at == by_uuid_.end() || at->second != key) return name + "cannot be found by its UUID";
    } else if (job.stage != Stage::attaching) {
      return name + "has no UUID";
    }
  }
  if (by_uuid_.size() > jobs_.size()) return "UUIDs of jobs that are gone";
  return {};
}

}  // namespace quern::client
