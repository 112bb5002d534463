#include "broker/core/schedules/due_job.hpp"

#include "calendar/cron.hpp"

namespace quern::broker {
namespace {

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

wire::Submit due_job(const wire::Schedule& schedule, std::int64_t due_ms) {
  wire::Submit submit = *schedule.job;
  submit.options.detach = true;
  submit.options.durability = Durability::durable;
  if (submit.options.name.empty()) submit.options.name = schedule.name;
  submit.options.metadata["schedule"] = schedule.name;
  submit.options.metadata["due"] = calendar::rfc3339_text(due_ms / 1000);
  submit.window = 0;
  submit.watch_ms = 0;
  return submit;
}

Uuid due_uuid(const wire::Schedule& schedule, std::uint64_t id, std::int64_t due_ms,
              std::uint64_t attempt) {
  Uuid uuid = schedule.job->job;
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t word = 0x9e3779b97f4a7c15 * (half + 1);
    for (std::size_t i = 0; i < 8; ++i)
      word ^= static_cast<std::uint64_t>(uuid.bytes[8 * half + i]) << (8 * i);
    for (const std::uint64_t part : {id, static_cast<std::uint64_t>(due_ms), attempt})
      word = mixed(word + 0x9e3779b97f4a7c15 + part);
    for (std::size_t i = 0; i < 8; ++i)
      uuid.bytes[8 * half + i] = static_cast<std::uint8_t>(word >> (8 * i));
  }
  return uuid;
}

}  // namespace quern::broker
