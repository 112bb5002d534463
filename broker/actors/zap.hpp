// ZAP (ZeroMQ RFC 27): the requests that libzmq makes of an authentication handler, and the
// answers. Bytes only: decides nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::broker {

struct ZapRequest {
  std::string id;  ///< goes back with the answer
  std::string domain;
  std::string address;  ///< of the peer; empty over ipc
  std::string mechanism;
  std::string key;  ///< CURVE: the peer's public key in Z85
};

enum class ZapStatus { ok, not_now, denied };

/// Nullopt for what is no request of version 1.0, or one of CURVE without a key of 32 octets.
std::optional<ZapRequest> zap_request(const std::vector<std::string_view>& parts);

/// The answer's parts. `user` becomes the property User-Id of all messages of that connection.
std::vector<std::string> zap_answer(std::string_view id, ZapStatus status, std::string_view text,
                                    std::string_view user);

}  // namespace quern::broker
