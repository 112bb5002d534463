// An error in a key file, a line of authorized_keys or an invitation: one sentence that tells what
// to do.
#pragma once

#include <stdexcept>

namespace quern::keys {

class KeyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace quern::keys
