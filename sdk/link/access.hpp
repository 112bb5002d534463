// With which keys a peer connects, and what a person should do when that does not work.
#pragma once

#include <string>

#include "keys/files.hpp"

namespace quern::link {

/// `insecure`: without encryption; only a broker that was started so answers. Otherwise the keys
/// are read anew for every connection, so that a peer may start before they exist and keys may be
/// changed under it.
struct Access {
  bool insecure = false;
  std::string folder;  ///< of the keys; empty: keys::default_folder()
  keys::Side side = keys::Side::client;
};

}  // namespace quern::link
