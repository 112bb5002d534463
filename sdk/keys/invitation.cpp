#include "keys/invitation.hpp"

#include <algorithm>
#include <charconv>
#include <regex>

#include "keys/authorized_keys.hpp"
#include "keys/error.hpp"
#include "keys/key_pair.hpp"
#include "keys/sodium.hpp"
#include "keys/z85.hpp"
#include "notation/base64.hpp"
#include "notation/moment.hpp"

namespace quern::keys {
namespace {

constexpr std::string_view kPrefix = "quern1-";
constexpr std::size_t kSecretBytes =
    20;  // 160 bits: cannot be guessed, and the code still fits a line
// A grant needs some key to be written as a line; an invitation has none yet.
const std::string kNoKey(kKeyCharacters, '0');
constexpr char kNoName[] = "-";

[[noreturn]] void no_code() {
  throw KeyError("this is not an invitation code: a code begins with " + std::string(kPrefix) +
                 " and is printed by `quern keys invite`");
}

}  // namespace

bool is_peer_endpoint(std::string_view endpoint) {
  static const std::regex form(
      R"(ipc://[^\s\x00-\x1f]+|tcp://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\]):([0-9]{1,5}))");
  std::match_results<std::string_view::const_iterator> match;
  if (!std::regex_match(endpoint.begin(), endpoint.end(), match, form)) return false;
  const std::string port = match[3].str();
  return port.empty() || (std::stoi(port) >= 1 && std::stoi(port) <= 65'535);
}

std::string text_of(const InvitationCode& code) {
  return std::string(kPrefix) +
         notation::base64(code.broker_key + code.secret + code.endpoint, notation::Base64::url);
}

InvitationCode code_of(std::string_view text) {
  if (!text.starts_with(kPrefix)) no_code();
  const auto whole = notation::from_base64(text.substr(kPrefix.size()), notation::Base64::url);
  constexpr std::size_t kSecretCharacters = kSecretBytes / 4 * 5;
  if (!whole || whole->size() <= kKeyCharacters + kSecretCharacters) no_code();
  InvitationCode code{whole->substr(kKeyCharacters + kSecretCharacters),
                      whole->substr(0, kKeyCharacters),
                      whole->substr(kKeyCharacters, kSecretCharacters)};
  if (!is_key(code.broker_key) || !is_peer_endpoint(code.endpoint)) no_code();
  return code;
}

std::string new_secret() { return z85_encode(random_bytes(kSecretBytes)); }

std::string hash_of_secret(std::string_view secret) { return hash_hex(secret); }

std::vector<Invitation> invitations_of(std::string_view text) {
  std::vector<Invitation> list;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto first = line.find(' ');
    const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    const auto third = second == std::string_view::npos ? second : line.find(' ', second + 1);
    if (third == std::string_view::npos || first != 64) continue;
    try {
      const std::string name(line.substr(second + 1, third - second - 1));
      Invitation invitation{std::string(line.substr(0, first)),
                            time_of(line.substr(first + 1, second - first - 1)),
                            grant_of((name == kNoName ? "anybody" : name) + " " + kNoKey +
                                     std::string(line.substr(third)))};
      if (name == kNoName) invitation.grant.name.clear();
      invitation.grant.key.clear();
      list.push_back(std::move(invitation));
    } catch (const KeyError&) {
      continue;  // an invalid line is ignored
    }
  }
  return list;
}

std::string text_of(const std::vector<Invitation>& invitations) {
  std::string text;
  for (const auto& invitation : invitations) {
    Grant grant = invitation.grant;
    if (grant.name.empty()) grant.name = kNoName;
    grant.key.clear();
    const std::string line = line_of(grant);  // NAME, an empty key between two spaces, ROLES
    text += invitation.hash + " " + notation::moment_text(invitation.expires) + " " + grant.name +
            line.substr(grant.name.size() + 1) + "\n";
  }
  return text;
}

}  // namespace quern::keys
