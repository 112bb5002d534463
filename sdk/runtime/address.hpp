// Endpoints as people write them: names, IPv6 in brackets, interfaces.
#pragma once

#include <string>

namespace quern::runtime {

/// What a socket is bound to or connected with. `six`: over IPv6, which libzmq wants to be told.
struct Address {
  std::string endpoint;
  bool six = false;
};

/// For bind(): a host's name becomes its address (of IPv4 where it has one). Throws
/// std::invalid_argument with a sentence when nothing has that name, or when the port is neither *
/// nor a number from 0 to 65535.
Address address_to_bind(const std::string& endpoint);

/// For connect(): the name stays, so that it is looked up again for every connection. Throws
/// std::invalid_argument with a sentence when the port is not a number from 1 to 65535.
Address address_to_connect(const std::string& endpoint);

/// "10.0.0.5" for "::ffff:10.0.0.5": a peer is the same over a socket that serves both kinds of
/// addresses.
std::string plain_address(std::string address);

}  // namespace quern::runtime
