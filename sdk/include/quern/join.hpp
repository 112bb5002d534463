/// @file
/// Joining a broker on another machine with an invitation code, which is how a machine without a
/// key gets one.
#pragma once

#include <chrono>
#include <string>

#include "quern/error.hpp"

namespace quern {

/// How to join. Every field has a usable default.
struct JoinOptions {
  /// Folder of the keys. Empty: `$QUERN_KEYS`, else `$XDG_CONFIG_HOME/quern`, else
  /// `~/.config/quern`.
  std::string keys{};
  /// Wanted name of the key, at most 255 bytes. The broker makes it unique. Empty: the name of this
  /// host.
  std::string name{};
  /// Whether the key is stored as that of the workers (true) or of the clients (false) of this
  /// machine. What the key may do was decided by the invitation.
  bool worker = true;
  /// How long to wait for the answer of the broker.
  std::chrono::milliseconds wait{15'000};
};

/// What the broker answered.
struct Joined {
  std::string endpoint;  ///< of the broker, taken from the code, e.g. "tcp://10.0.0.5:7600"
  std::string name;      ///< of the new principal
  std::string roles;     ///< what the key may do, in words for people
};

/// Makes a key pair, connects (encrypted with CURVE) to exactly the broker that the code names,
/// proves knowledge of the code, and stores the keys. From then on clients and workers of this
/// machine find the keys by the endpoint. Blocks up to JoinOptions::wait, and twice that if an
/// earlier key of this machine was revoked. Any thread; processes that join at the same time wait
/// for each other.
/// @param code an invitation code, as `quern keys invite` prints it ("quern1-...")
/// @param options how to join
/// @return where and as whom this machine has joined
/// @throws ConnectionError `denied` when the code is wrong, expired or used; `no_broker` when no
///         broker answers in time
/// @throws Error `bad_input` when `code` is no invitation code, when the folder of the keys cannot
///         be written, or when this machine knows another broker at that endpoint
Joined join(const std::string& code, const JoinOptions& options = {});

}  // namespace quern
