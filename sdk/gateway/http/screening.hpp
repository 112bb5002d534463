// What the HTTP library accepts and the gateway refuses: requests that another server on the way
// may understand differently (request smuggling), and requests from the pages of other sites. Pure;
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http/message.hpp"

namespace quern::gateway {

/// The head of a request as it arrived: every field in order, repetitions included.
struct Head {
  unsigned version = 11;  ///< 10 or 11
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case
};

/// Names by which the gateway may be addressed, in lower case and without a port. Any other Host is
/// refused: a page of another site could have its own name resolved to this machine (DNS
/// rebinding).
using HostNames = std::vector<std::string>;

/// "Example.org:7680" as "example.org", "[::1]:80" as "[::1]"; empty if it is not a host.
std::string host_name(std::string_view host);

/// Why the request is refused; nothing if it may be routed.
std::optional<Response> refusal_of(const Head& head, const HostNames& names);

}  // namespace quern::gateway
