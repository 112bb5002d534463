// Time zones as data: how far local time is from UTC, and when that changes. Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace quern::calendar {

/// Seconds since 1970-01-01 00:00:00 UTC, without leap seconds.
using UnixSeconds = std::int64_t;

class Zone {
 public:
  virtual ~Zone() = default;

  /// A time in which the distance does not change: [begin, end).
  struct Span {
    UnixSeconds begin = 0;
    UnixSeconds end = 0;
    std::int64_t offset = 0;  ///< local time minus UTC, in seconds
  };
  /// The span that contains this time.
  virtual Span at(UnixSeconds time) const = 0;
};

/// The zone with this name in the system's database ("Europe/Zurich", "UTC"). nullptr if there is
/// none, or if the database is not installed (Debian's package tzdata); UTC is always known.
/// Thread-safe.
std::shared_ptr<const Zone> find_zone(const std::string& name);

/// What the environment variable TZ names, which need not be a zone that find_zone() knows;
/// without it, the name of the zone that this machine is set to, or "UTC" if that is not known.
std::string local_zone_name();

}  // namespace quern::calendar
