// Asks a ZMTP server, without encryption, which security mechanism it uses.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace quern::runtime {

/// "NULL", "CURVE", ...: from the greeting of the server at `endpoint` (ZeroMQ RFC 23). nullopt: no
/// answer in time, or not ZMTP. Needed because a failed handshake does not always tell the reason:
/// that depends on which side closes first.
std::optional<std::string> mechanism_at(const std::string& endpoint,
                                        std::chrono::milliseconds patience);

}  // namespace quern::runtime
