// Endpoints as people write them.
#include "runtime/address.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace quern::runtime {
namespace {

TEST(AddressToBind, numbers_interfaces_and_other_transports_stay_as_they_are) {
  for (const char* endpoint : {"tcp://127.0.0.1:7600", "tcp://*:0", "tcp://lo:7600", "ipc:///tmp/q",
                               "inproc://q", "tcp://127.0.0.1", ""}) {
    const Address address = address_to_bind(endpoint);
    EXPECT_EQ(address.endpoint, endpoint);
    EXPECT_FALSE(address.six) << endpoint;
  }
}

TEST(AddressToBind, a_name_becomes_its_address) {
  const Address address = address_to_bind("tcp://localhost:7600");
  EXPECT_EQ(address.endpoint, address.six ? "tcp://[::1]:7600" : "tcp://127.0.0.1:7600");
}

TEST(AddressToBind, brackets_mean_ipv6) {
  const Address address = address_to_bind("tcp://[::1]:7600");
  EXPECT_EQ(address.endpoint, "tcp://[::1]:7600");
  EXPECT_TRUE(address.six);
}

TEST(AddressToBind, an_unknown_name_is_an_error_that_shows_a_correct_endpoint) {
  const std::string name(70, 'x');  // longer than a label may be: no server has to be asked
  try {
    address_to_bind("tcp://" + name + ":7600");
    FAIL() << "the name was accepted";
  } catch (const std::invalid_argument& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find(name), std::string::npos) << text;
    EXPECT_NE(text.find("tcp://10.0.0.5:7600"), std::string::npos) << text;
  }
}

TEST(AddressToConnect, a_name_stays_so_that_every_connection_looks_it_up_again) {
  EXPECT_EQ(address_to_connect("tcp://localhost:7600").endpoint, "tcp://localhost:7600");
}

TEST(AddressToConnect, an_unknown_name_is_no_error_because_it_may_become_known) {
  const std::string endpoint = "tcp://" + std::string(70, 'x') + ":7600";
  EXPECT_EQ(address_to_connect(endpoint).endpoint, endpoint);
  EXPECT_FALSE(address_to_connect(endpoint).six);
}

TEST(AddressToConnect, only_brackets_need_ipv6) {
  EXPECT_TRUE(address_to_connect("tcp://[::1]:7600").six);
  EXPECT_FALSE(address_to_connect("tcp://127.0.0.1:7600").six);
  EXPECT_FALSE(address_to_connect("ipc:///tmp/[q]").six);
}

using Resolve = Address (*)(const std::string&);

/// The text of the error; empty if the endpoint is accepted.
std::string refusal(Resolve resolve, const std::string& endpoint) {
  try {
    resolve(endpoint);
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(Ports, those_that_do_not_exist_are_refused_with_the_range_in_the_text) {
  for (const char* host : {"127.0.0.1", "localhost", "[::1]", "*"}) {
    for (const char* port : {"65536", "99999", "99999999999999999999", "-1", "80x", " 80", ""}) {
      const std::string endpoint = "tcp://" + std::string(host) + ":" + port;
      for (const Resolve resolve : {&address_to_bind, &address_to_connect}) {
        const std::string text = refusal(resolve, endpoint);
        EXPECT_NE(text.find(endpoint), std::string::npos) << endpoint << ": " << text;
        EXPECT_NE(text.find("65535"), std::string::npos) << endpoint << ": " << text;
      }
    }
  }
}

TEST(Ports, any_free_port_can_be_bound_but_not_connected_to) {
  for (const char* endpoint : {"tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://[::1]:0"}) {
    EXPECT_EQ(refusal(&address_to_bind, endpoint), "") << endpoint;
    EXPECT_NE(refusal(&address_to_connect, endpoint), "") << endpoint;
  }
}

TEST(Ports, the_first_and_the_last_are_accepted) {
  for (const char* endpoint : {"tcp://127.0.0.1:1", "tcp://127.0.0.1:65535", "tcp://[::1]:65535"})
    for (const Resolve resolve : {&address_to_bind, &address_to_connect})
      EXPECT_EQ(refusal(resolve, endpoint), "") << endpoint;
}

TEST(PlainAddress, an_ipv4_address_over_ipv6_is_shown_as_ipv4) {
  EXPECT_EQ(plain_address("::ffff:10.0.0.5"), "10.0.0.5");
  EXPECT_EQ(plain_address("localhost:0:0:4711"), "") << "an ipc peer, as libzmq names it";
}

TEST(PlainAddress, every_other_address_stays_as_it_is) {
  for (const char* address :
       {"10.0.0.5", "::1", "fe80::1", "::ffff:", "::ffff:nonsense", "::ffff:10.0.0.5.6", ""})
    EXPECT_EQ(plain_address(address), address);
}

}  // namespace
}  // namespace quern::runtime
