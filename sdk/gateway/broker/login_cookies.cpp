#include "gateway/broker/login_cookies.hpp"

#include <charconv>
#include <string_view>

#include "gateway/broker/wall_clock.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/seal.hpp"
#include "keys/sodium.hpp"
#include "keys/token.hpp"
#include "notation/base64.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kLife_s = 7LL * 24 * 3600;

/// The value of a cookie in a Cookie field (RFC 6265: "a=1; b=2").
std::optional<std::string> cookie_in(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(';'), field.size());
    std::string_view one = field.substr(0, end);
    field.remove_prefix(std::min(end + 1, field.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return std::string(one.substr(name.size() + 1));
  }
  return std::nullopt;
}

}  // namespace

LoginCookies::LoginCookies(std::string key, bool secure)
    : key_(std::move(key)), name_("quern_" + keys::hash_hex(key_).substr(0, 8)), secure_(secure) {}

std::string LoginCookies::key_in(const std::string& file) {
  if (file.empty()) return keys::random_bytes(keys::kSealKeyBytes);
  if (const auto text = keys::read_private(file)) {
    auto key = notation::from_base64(text->substr(0, text->find('\n')), notation::Base64::url);
    if (key && key->size() == keys::kSealKeyBytes) return std::move(*key);
    throw keys::KeyError(file + " does not contain a key: remove it, and everybody logs in again");
  }
  std::string key = keys::random_bytes(keys::kSealKeyBytes);
  keys::write_file(file, notation::base64(key, notation::Base64::url) + "\n");
  return key;
}

std::optional<std::string> LoginCookies::token_in(const Request& request) const {
  const auto cookie = cookie_in(request.field("cookie"), name_);
  if (!cookie) return std::nullopt;
  const auto text = keys::open_sealed(*cookie, key_);
  if (!text) return std::nullopt;
  // "EXPIRES TOKEN"
  std::int64_t expires = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), expires);
  if (error != std::errc{} || expires <= wall_clock_s()) return std::nullopt;
  return text->substr(static_cast<std::size_t>(end - text->data()) + 1);
}

std::string LoginCookies::attributes() const {
  return std::string("; HttpOnly; SameSite=Strict") + (secure_ ? "; Secure" : "");
}

std::string LoginCookies::issue(const std::string& token) const {
  return name_ + '=' + keys::seal(std::to_string(wall_clock_s() + kLife_s) + ' ' + token, key_) +
         "; Max-Age=" + std::to_string(kLife_s) + attributes();
}

std::string LoginCookies::clear() const { return name_ + "=; Max-Age=0" + attributes(); }

bool says_same_origin(const Request& request) {
  const std::string& site = request.field("sec-fetch-site");
  return site == "same-origin" || (site.empty() && !request.field("origin").empty());
}

}  // namespace quern::gateway
