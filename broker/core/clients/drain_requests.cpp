#include "broker/core/clients/drain_requests.hpp"

#include <string>

namespace quern::broker {

void DrainRequests::on_drain(Session& session, const wire::Drain& drain) {
  for (auto& [id, worker] : workers_.all()) {
    if (worker.name != drain.worker) continue;
    workers_.drain(worker);
    pools_.leave(worker);
    outbox_.send(id, wire::Drain{});
    wire::Answer answer;
    answer.token = drain.token;
    answer.text.push_back("worker " + worker.name + " is draining: it finishes " +
                          std::to_string(worker.holds.leases.size()) + " leases and then leaves");
    outbox_.send(session, std::move(answer));
    return;
  }
  outbox_.complain(session, ErrorCode::unknown_job,
                   "no worker is named " + drain.worker + ": see `quern workers`", {}, drain.token);
}

}  // namespace quern::broker
