// Endpoints as people write them: names, IPv6 in brackets, interfaces.
#pragma once

#include <string>

namespace quern::runtime {

/// The endpoint for bind or connect. `six`: over IPv6, which must be enabled in libzmq.
struct Address {
  std::string endpoint;
  bool six = false;
};

/// For bind(): replaces a host name by its address (IPv4 if it has one). Throws
/// std::invalid_argument with a sentence if the name is unknown, or if the port is neither * nor a
/// number from 0 to 65535.
Address address_to_bind(const std::string& endpoint);

/// For connect(): keeps the name, so that it is looked up again for every connection. Throws
/// std::invalid_argument with a sentence if the port is not a number from 1 to 65535.
Address address_to_connect(const std::string& endpoint);

/// "10.0.0.5" for "::ffff:10.0.0.5", so that a peer has the same address on a socket that serves
/// both IPv4 and IPv6. Empty for a peer over ipc, which has none.
std::string plain_address(std::string address);

}  // namespace quern::runtime
