// The keys with which a peer connects.
#pragma once

#include <string>

#include "keys/files.hpp"

namespace quern::link {

/// `insecure`: without encryption; only for a broker that was started the same way. Otherwise the
/// keys are read again for every connection, so that a peer can start before they exist and keys
/// can be replaced while it runs.
struct Access {
  bool insecure = false;
  std::string folder;  ///< of the keys; empty: keys::default_folder()
  keys::Side side = keys::Side::client;
  std::string token{};  ///< used instead of the key in `folder` (keys/token.hpp), if not empty
};

}  // namespace quern::link
