#include "runtime/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <memory>
#include <stdexcept>

namespace quern::runtime {
namespace {

constexpr char kTcp[] = "tcp://";
constexpr std::size_t kTcpBytes = sizeof kTcp - 1;
constexpr unsigned kPortMost = 65'535;

struct Place {
  std::string host;
  std::string port;
};

/// The parts of tcp://HOST:PORT.
Place place_of(const std::string& endpoint) {
  const auto colon = endpoint.rfind(':');
  return {endpoint.substr(kTcpBytes, colon - kTcpBytes), endpoint.substr(colon + 1)};
}

bool is_tcp(const std::string& endpoint) {
  return endpoint.starts_with(kTcp) && endpoint.find(':', kTcpBytes) != std::string::npos;
}

/// Throws unless the port is from `least` to 65535. libzmq uses only the lowest 16 bits of any
/// number, and so a different port from the one that was given.
void check_port(const std::string& endpoint, const std::string& port, unsigned least) {
  unsigned number = 0;
  const char* end = port.data() + port.size();
  const auto [rest, error] = std::from_chars(port.data(), end, number);
  if (error == std::errc{} && rest == end && number >= least && number <= kPortMost) return;
  throw std::invalid_argument(endpoint + ": the port must be a number from " +
                              std::to_string(least) + " to " + std::to_string(kPortMost));
}

bool is_number(const std::string& host) {
  in_addr four{};
  return host == "*" || ::inet_pton(AF_INET, host.c_str(), &four) == 1;
}

struct Found {
  std::string four;
  std::string six;
  std::string why;  ///< why the name was not found
};

Found look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0)
    return {{}, {}, ::gai_strerror(code)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(list, ::freeaddrinfo);
  Found found;
  for (const addrinfo* each = list; each; each = each->ai_next) {
    char text[NI_MAXHOST] = {};
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) != 0)
      continue;
    std::string& slot = each->ai_family == AF_INET ? found.four : found.six;
    if (slot.empty()) slot = text;
  }
  return found;
}

}  // namespace

Address address_to_bind(const std::string& endpoint) {
  if (!is_tcp(endpoint)) return {endpoint, false};
  const Place place = place_of(endpoint);
  if (place.port != "*") check_port(endpoint, place.port, 0);
  if (place.host.starts_with('[')) return {endpoint, true};
  if (is_number(place.host) || ::if_nametoindex(place.host.c_str()) != 0) return {endpoint, false};
  const Found found = look_up(place.host);
  if (!found.four.empty()) return {kTcp + found.four + ":" + place.port, false};
  if (!found.six.empty()) return {kTcp + ("[" + found.six + "]:") + place.port, true};
  throw std::invalid_argument(place.host + " is no address, name or interface of this machine (" +
                              found.why +
                              "): give an address such as tcp://10.0.0.5:7600 or tcp://[::1]:7600");
}

Address address_to_connect(const std::string& endpoint) {
  if (!is_tcp(endpoint)) return {endpoint, false};
  const Place place = place_of(endpoint);
  check_port(endpoint, place.port, 1);
  if (place.host.starts_with('[')) return {endpoint, true};
  if (is_number(place.host)) return {endpoint, false};
  const Found found = look_up(place.host);
  return {endpoint, found.four.empty() && !found.six.empty()};
}

std::string plain_address(std::string address) {
  constexpr std::string_view kMapped = "::ffff:";
  // What libzmq says of an ipc peer: "localhost:USER:GROUP:PROCESS".
  constexpr std::string_view kIpc = "localhost:";
  if (address.starts_with(kIpc)) return {};
  in_addr four{};
  if (address.starts_with(kMapped) &&
      ::inet_pton(AF_INET, address.c_str() + kMapped.size(), &four) == 1)
    address.erase(0, kMapped.size());
  return address;
}

}  // namespace quern::runtime
