// Whether the worker is leaving, and until when it waits for running tasks. An operator's drain has
// no time limit; a requested stop has one; a stop without a connection to the broker has a short
// one.
#pragma once

#include <algorithm>
#include <optional>

#include "wire/time.hpp"
#include "worker/core/config.hpp"

namespace quern::worker {

class Drain {
 public:
  void on_begin() { begun_ = true; }
  void on_stop(wire::Time until) {
    begun_ = true;
    until_ = until;
  }
  void on_alone(wire::Time until) { alone_until_ = until; }
  void on_broker() { alone_until_.reset(); }

  bool begun() const { return begun_; }
  bool stopping() const { return until_.has_value(); }
  std::optional<wire::Time> deadline() const {
    if (!until_) return std::nullopt;
    return alone_until_ ? std::min(*until_, *alone_until_) : *until_;
  }

 private:
  bool begun_ = false;
  std::optional<wire::Time> until_;        // set by a requested stop only
  std::optional<wire::Time> alone_until_;  // set while there is no session
};

}  // namespace quern::worker
