// Which security a ZMTP server speaks, asked in plain words.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace quern::runtime {

/// "NULL", "CURVE", ...: from the greeting of what listens at `endpoint` (ZeroMQ RFC 23). nullopt:
/// nothing answered in time, or in another language. A handshake that fails does not always say
/// why: who closes first is a matter of speed.
std::optional<std::string> mechanism_at(const std::string& endpoint,
                                        std::chrono::milliseconds patience);

}  // namespace quern::runtime
