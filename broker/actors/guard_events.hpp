// Messages between the router and the auth and audit actors.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "broker/core/access/principal.hpp"
#include "broker/core/base/effect.hpp"

namespace quern::broker {

/// The files of keys have changed, or something in them has expired.
struct KeysChanged {
  Principals principals;
  std::map<std::string, std::vector<std::string>>
      places;  ///< by key: the addresses it may come from; absent: any
  bool invitations_open = false;
};

struct EnrolRequest {
  PeerId peer{};
  std::string key;
  std::string wanted;
  std::string secret;
  std::string address;
};
struct Enrolled {
  PeerId peer{};
  std::string key;
  std::string name;
  std::uint8_t rights = 0;
  bool fresh = true;  ///< false: it was enrolled before, and its answer was lost
};
struct EnrolRefused {
  PeerId peer{};
  std::string key;
  std::string reason;
};

/// A connection was rejected.
struct ConnectionDenied {
  std::string key;
  std::string address;
  std::string reason;
};

/// The audit log cannot be written; empty: it can again.
struct AuditTrouble {
  std::string text;
};

using GuardEvent =
    std::variant<KeysChanged, Enrolled, EnrolRefused, ConnectionDenied, AuditTrouble>;

}  // namespace quern::broker
