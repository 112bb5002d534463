// A client and a worker, with helpers to run a job to its end.
#pragma once

#include "broker/broker_fixture.hpp"

namespace quern::broker {

class JobsTest : public BrokerTest {
 protected:
  Peer c, w;

  /// The worker answers every lease with `answer` until none is left.
  template <typename F>
  void serve(F answer) {
    while (!w.inbox.empty()) {
      wire::Message message = std::move(w.inbox.front());
      w.inbox.pop_front();
      if (auto* lease = std::get_if<wire::Lease>(&message)) send(w, answer(*lease));
    }
  }

  /// Answers the leases of one task, which measure the rate, until a lease has more.
  wire::Lease larger_lease(std::uint64_t busy_us) {
    while (!w.inbox.empty()) {
      wire::Message message = std::move(w.inbox.front());
      w.inbox.pop_front();
      auto* lease = std::get_if<wire::Lease>(&message);
      if (lease && wire::size(lease->tasks) > 1) return *lease;
      if (lease) send(w, echo(*lease, busy_us));
    }
    ADD_FAILURE() << "no lease of several tasks";
    return {};
  }

  /// Every task of the lease fails; its output names the attempt.
  static wire::Report failure_that_wrote(const wire::Lease& lease) {
    wire::Report report = failure(lease, "no such thing");
    report.written = lease.tasks;
    report.batch = batch_of(std::vector<std::string>(wire::size(lease.tasks),
                                                     "attempt " + std::to_string(lease.attempt)));
    return report;
  }

  void cancel_waiting() {
    wire::Cancel cancel{5, uuid(1), {}, {}};
    cancel.waiting = true;
    send(c, cancel);
  }

  wire::JobUpdate last_update() {
    std::optional<wire::JobUpdate> update;
    for (auto& message : c.inbox)
      if (auto* u = std::get_if<wire::JobUpdate>(&message)) update = *u;
    EXPECT_TRUE(update) << "no JOB message arrived";
    c.inbox.clear();
    return update.value_or(wire::JobUpdate{});
  }
};

}  // namespace quern::broker
