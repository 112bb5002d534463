// What the gateway knows about tokens without asking the broker: authorized_keys, if the broker's
// keys are on this machine. The broker decides; this saves it connections of unknown tokens, and
// checks what only the gateway can see, the address of the HTTP client.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "keys/grant.hpp"

namespace quern::gateway {

class Grants {
 public:
  /// `folder`: of the broker's keys.
  explicit Grants(const std::string& folder) : path_(folder + "/authorized_keys") {}

  /// Whether the file can be read. If not, only the broker knows the keys.
  bool known();
  /// The line of a public key; nothing if there is none.
  std::optional<keys::Grant> find(const std::string& public_key);

 private:
  void refresh();

  const std::string path_;
  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> read_at_;
  bool known_ = false;
  std::map<std::string, keys::Grant> grants_;
};

}  // namespace quern::gateway
