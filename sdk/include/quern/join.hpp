// Joining a broker elsewhere with an invitation code: how a machine that has no key gets one.
#pragma once

#include <chrono>
#include <string>

#include "quern/error.hpp"

namespace quern {

struct JoinOptions {
  std::string keys{};  ///< folder of the keys; empty: $QUERN_KEYS, else $XDG_CONFIG_HOME/quern
  std::string name{};  ///< wanted for the key; the broker makes it unique. Empty: the host's name
  bool worker = true;  ///< the key is for workers; false: for clients
  std::chrono::milliseconds wait{15'000};  ///< for the broker
};

struct Joined {
  std::string endpoint;  ///< of the broker, from the code
  std::string name;      ///< of the new principal
  std::string roles;     ///< what it may, for people
};

/// Makes a key pair, connects over CURVE to exactly the broker that the code names, proves the code
/// inside the channel, and keeps the keys for that endpoint in the folder: from then on clients and
/// workers here find them by the endpoint. Blocks. Throws ConnectionError: `denied` for a code that
/// is wrong, expired or used, `no_broker` when none answers; Error `bad_input` for what is no code,
/// or a folder that cannot be written.
Joined join(const std::string& code, const JoinOptions& options = {});

}  // namespace quern
