#include "broker/actors/zap.hpp"

#include "keys/z85.hpp"
#include "runtime/address.hpp"

namespace quern::broker {
namespace {

constexpr std::string_view kVersion = "1.0";
constexpr std::size_t kParts =
    6;  // version, id, domain, address, identity, mechanism; then the credentials
constexpr std::size_t kKeyBytes = 32;

}  // namespace

std::optional<ZapRequest> zap_request(const std::vector<std::string_view>& parts) {
  if (parts.size() < kParts || parts[0] != kVersion) return std::nullopt;
  ZapRequest request{std::string(parts[1]),
                     std::string(parts[2]),
                     runtime::plain_address(std::string(parts[3])),
                     std::string(parts[5]),
                     {}};
  if (request.mechanism == "CURVE") {
    if (parts.size() != kParts + 1 || parts[kParts].size() != kKeyBytes) return std::nullopt;
    request.key = keys::z85_encode(parts[kParts]);
  }
  return request;
}

std::vector<std::string> zap_answer(std::string_view id, ZapStatus status, std::string_view text,
                                    std::string_view user) {
  const char* code = status == ZapStatus::ok ? "200" : status == ZapStatus::not_now ? "300" : "400";
  return {std::string(kVersion), std::string(id), code, std::string(text), std::string(user), ""};
}

}  // namespace quern::broker
