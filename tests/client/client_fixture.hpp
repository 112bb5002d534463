// The two ways to test the client: its core alone (CoreRig, ClientJobs), and the public interface
// over real sockets against a fake broker (ClientTest).
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "client/core_rig.hpp"
#include "client/fake_broker.hpp"
#include "quern/client.hpp"

namespace quern::client {

/// A client core in its first session.
class ClientJobs : public ::testing::Test {
 protected:
  ClientJobs() {
    rig.effects<Reopen>();
    rig.welcome();
  }
  void append(const std::vector<std::string>& payloads, InputLedger::Rest rest) {
    rig.step([&] { rig.core->append(CoreRig::kJob, batch_of(payloads), {}, rest, rig.now); });
  }
  void consume(std::uint64_t to) {
    rig.step([&] { rig.core->on_consumed(CoreRig::kJob, to); });
  }
  CoreRig rig;
};

inline constexpr auto kComes = InputLedger::Rest::comes;
inline constexpr auto kNone = InputLedger::Rest::none;

inline ClientOptions options_for(const std::string& endpoint) {
  ClientOptions options;
  options.endpoint = endpoint;
  options.insecure = true;  // the fake broker is not encrypted
  return options;
}

class ClientTest : public ::testing::Test {
 protected:
  FakeBroker broker;
  Client client{options_for(broker.endpoint())};
};

}  // namespace quern::client
