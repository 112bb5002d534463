#include "keys/same_place.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <set>

namespace quern::keys {
namespace {

std::string port_of(const std::string& endpoint) {
  return endpoint.substr(endpoint.rfind(':') + 1);
}

std::set<std::string> addresses_of(const std::string& endpoint) {
  const auto begin = endpoint.find("://") + 3;
  std::string host = endpoint.substr(begin, endpoint.rfind(':') - begin);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(list, ::freeaddrinfo);
  std::set<std::string> found;
  for (const addrinfo* each = list; each; each = each->ai_next) {
    char text[NI_MAXHOST] = {};
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) == 0)
      found.insert(text);
  }
  return found;
}

}  // namespace

bool same_place(const std::string& endpoint, const std::string& other) {
  if (endpoint == other) return true;
  if (!endpoint.starts_with("tcp://") || !other.starts_with("tcp://") ||
      port_of(endpoint) != port_of(other))
    return false;
  const auto ours = addresses_of(endpoint), theirs = addresses_of(other);
  return std::any_of(ours.begin(), ours.end(),
                     [&](const auto& address) { return theirs.contains(address); });
}

}  // namespace quern::keys
