// Submissions under an idempotency key whose input cannot be compared yet: their ATTACH waits until
// the job's input is whole, or will never be.
#include <algorithm>
#include <utility>

#include "broker/core/core.hpp"

namespace quern::broker {

void Core::await_comparison(Job& job, Comparison comparison) {
  auto& waiting = job.keyed.edit().comparisons;
  std::erase_if(waiting,
                [&](const Comparison& other) { return other.session == comparison.session; });
  waiting.push_back(std::move(comparison));
}

void Core::answer_comparisons(Job& job, Time now) {
  if (job.keyed->comparisons.empty()) return;
  const auto waiting = std::exchange(job.keyed.edit().comparisons, {});
  for (const Comparison& each : waiting)
    if (Session* session = sessions_.find(each.session)) on_attach(*session, each.attach, now);
}

void Core::cut_input(Job& job) {
  if (job.open && job.keyed->print.items != 0) job.keyed.edit().print.items = 0;
  job.open = false;
}

}  // namespace quern::broker
