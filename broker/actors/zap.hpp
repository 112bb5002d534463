// ZAP (ZeroMQ RFC 27): the requests of libzmq to an authentication handler, and the answers.
// Encoding only: makes no decisions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::broker {

struct ZapRequest {
  std::string id;  ///< returned in the answer
  std::string domain;
  std::string address;  ///< of the peer; empty over ipc
  std::string mechanism;
  std::string key;  ///< CURVE: the peer's public key in Z85
};

enum class ZapStatus { ok, not_now, denied };

/// Nullopt if it is not a request of version 1.0, or is a CURVE request without a key of 32 bytes.
std::optional<ZapRequest> zap_request(const std::vector<std::string_view>& parts);

/// The answer's parts. `user` becomes the property User-Id of all messages of that connection.
std::vector<std::string> zap_answer(std::string_view id, ZapStatus status, std::string_view text,
                                    std::string_view user);

}  // namespace quern::broker
