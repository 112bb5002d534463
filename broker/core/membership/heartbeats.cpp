#include "broker/core/membership/heartbeats.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/access/access.hpp"

namespace quern::broker {
namespace {

// A worker's availability must change by this share before its pools and dispatch() are notified.
constexpr double kAvailableMoved = 0.2;

}  // namespace

void Heartbeats::on_heartbeat(Session& session, const wire::Beat& beat) {
  if (session.role == wire::Role::worker && beat.capacity) {
    Worker& worker = *session.worker;
    const std::uint32_t slots = worker.slots();
    worker.declared.offer.capacity = *beat.capacity;
    const double available = worker.available();
    if (slots != worker.slots() || std::abs(available - worker.speed.told_available) >
                                       kAvailableMoved * worker.speed.told_available) {
      worker.speed.told_available = available;
      pools_.tell(worker);
      pools_.note_room(worker);
    }
  }
  if (!beat.reply)
    outbox_.send(session, wire::Beat{true, {}, {}});
  else
    followers_.on_heard(session);
}

void Heartbeats::on_gap(wire::Duration gap) {
  // Peers that heard nothing for so long have opened new connections meanwhile and need time to
  // come back.
  const wire::Duration grace = gap >= context_.config.lost_busy / 2
                                   ? wire::Duration(context_.config.recovery_wait)
                                   : wire::Duration{};
  for (auto& [id, session] : sessions_.all()) session.heard += gap + grace;
  for (auto& [id, worker] : workers_.all()) worker.speed.reported += gap;
}

}  // namespace quern::broker
