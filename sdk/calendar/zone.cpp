#include "calendar/zone.hpp"

#include <date/tz.h>

#include <cstdlib>
#include <exception>
#include <limits>
#include <string_view>

namespace quern::calendar {
namespace {

class Utc : public Zone {
 public:
  Span at(UnixSeconds) const override {
    return {std::numeric_limits<UnixSeconds>::min(), std::numeric_limits<UnixSeconds>::max(), 0};
  }
};

class SystemZone : public Zone {
 public:
  explicit SystemZone(const date::time_zone* zone) : zone_(zone) {}

  Span at(UnixSeconds time) const override {
    const date::sys_info info = zone_->get_info(date::sys_seconds(std::chrono::seconds(time)));
    return {info.begin.time_since_epoch().count(), info.end.time_since_epoch().count(),
            info.offset.count()};
  }

 private:
  const date::time_zone* zone_;  // of the database, which lives as long as the process
};

}  // namespace

std::shared_ptr<const Zone> find_zone(const std::string& name) {
  if (name == "UTC" || name == "Etc/UTC") return std::make_shared<Utc>();
  try {
    return std::make_shared<SystemZone>(date::locate_zone(name));
  } catch (const std::exception&) {  // how the library says that there is no such zone
    return nullptr;
  }
}

std::string local_zone_name() {
  if (const char* given = std::getenv("TZ")) {  // as in tzset(3)
    std::string name(*given == ':' ? given + 1 : given);
    constexpr std::string_view kFolder = "/usr/share/zoneinfo/";
    if (name.rfind(kFolder, 0) == 0) name.erase(0, kFolder.size());
    return name.empty() ? "UTC" : name;
  }
  try {
    return date::current_zone()->name();
  } catch (const std::exception&) {
    return "UTC";
  }
}

}  // namespace quern::calendar
