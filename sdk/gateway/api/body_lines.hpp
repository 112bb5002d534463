// The lines of a body that is read while it arrives.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "gateway/http/exchange.hpp"

namespace quern::gateway {

/// Cuts the blocks of a body into lines. One thread at a time.
class BodyLines {
 public:
  explicit BodyLines(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  /// The next line that is not empty; false after the last one. Blocks. Throws Error when the
  /// client has left before the end, or when a line is longer than an item may be.
  bool next(std::string& line);

 private:
  std::shared_ptr<Exchange> exchange_;
  std::string text_;
  std::size_t begin_ = 0;     ///< of the line
  std::size_t searched_ = 0;  ///< there is no newline before
};

}  // namespace quern::gateway
