// A std::stop_token that cancels a job, or a task of a coalesced one.
#pragma once

#include <memory>
#include <stop_token>

#include "client/outbox.hpp"

namespace quern::client {

/// What a requested stop does, on the thread that requests it. Takes no lock of a handle.
struct Cancelling {
  std::shared_ptr<Outbox> outbox;
  CancelCommand command;
  void operator()() const { outbox->post(command); }
};

using Stopping = std::stop_callback<Cancelling>;

}  // namespace quern::client
