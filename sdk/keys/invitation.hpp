// Invitations: how a machine that has no key gets one in one command.
//
// A code holds the endpoint, the broker's full public key and a one-time secret, so that its holder
// can reach exactly that broker and prove the invitation. The broker's folder stores only the hash
// of the secret, with the rights of the new key and the expiry.
//
//   code:  quern1- and, in base64: BROKER_KEY SECRET ENDPOINT
//   line:  HASH EXPIRES NAME ROLES [OPTION=VALUE]...
//
// SECRET is 25 characters of Z85, 160 bits. The lines are in FOLDER/invitations; NAME is - if the
// user of the code may choose a name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/grant.hpp"

namespace quern::keys {

/// The beginning of the refusal of a revoked key; the joining program then creates another one.
inline constexpr std::string_view kRevokedKey = "this machine's key was revoked";

struct InvitationCode {
  std::string endpoint;
  std::string broker_key;
  std::string secret;
  bool operator==(const InvitationCode&) const = default;
};
/// tcp://HOST:PORT or ipc://PATH, as a peer can connect to it.
bool is_peer_endpoint(std::string_view endpoint);

/// Base64 (URL-safe), so that a shell takes it without quotes.
std::string text_of(const InvitationCode& code);
/// Throws KeyError if it is not a valid code.
InvitationCode code_of(std::string_view text);

/// What a broker stores about an invitation. The key of `grant` is empty, and its name may be
/// empty, until the code is used.
struct Invitation {
  std::string hash;  ///< of the secret
  std::int64_t expires = 0;
  Grant grant;
  bool operator==(const Invitation&) const = default;
};

std::string new_secret();
std::string hash_of_secret(std::string_view secret);

/// FOLDER/invitations. An invalid line is ignored.
std::vector<Invitation> invitations_of(std::string_view text);
std::string text_of(const std::vector<Invitation>& invitations);

}  // namespace quern::keys
