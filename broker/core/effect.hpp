// What the core wants done. The gateway carries effects out in order, after everything that arrived was handled.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "wire/messages.hpp"

namespace quern::broker {

/// The gateway's name for a connection; routing ids never leave the gateway.
enum class PeerId : std::uint64_t {};

/// Send a message. `session` goes into its header.
struct Send {
  PeerId peer{};
  wire::SessionId session{};
  wire::Message message;
};

/// A line for the log.
struct Note {
  enum class Level : std::uint8_t { info, warning } level = Level::info;
  std::string text;
};

using Effect = std::variant<Send, Note>;
using Effects = std::vector<Effect>;

}  // namespace quern::broker
