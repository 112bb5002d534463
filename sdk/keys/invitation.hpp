// Invitations: how a machine that has no key gets one in one command.
//
// A code holds the endpoint, the broker's full public key and a one-time secret, so that who has it
// can reach exactly that broker and prove that it was invited. The broker's folder keeps only the
// secret's hash, with what the new key will be allowed and until when.
//
//   code:  quern1- and, in base64: BROKER_KEY SECRET ENDPOINT
//   line:  HASH EXPIRES NAME ROLES [OPTION=VALUE]...
//
// SECRET is 25 characters of Z85, 160 bits. The lines are in FOLDER/invitations; NAME is - when
// whoever uses the code may choose a name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/grant.hpp"

namespace quern::keys {

/// How the refusal begins of a key that was revoked: who joins makes another then.
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
/// Throws KeyError when it is not one.
InvitationCode code_of(std::string_view text);

/// What a broker keeps of an invitation. The key of `grant` is empty, and its name may be: they
/// come with who uses it.
struct Invitation {
  std::string hash;  ///< of the secret
  std::int64_t expires = 0;
  Grant grant;
  bool operator==(const Invitation&) const = default;
};

std::string new_secret();
std::string hash_of_secret(std::string_view secret);

/// FOLDER/invitations. A line that cannot be read opens nothing.
std::vector<Invitation> invitations_of(std::string_view text);
std::string text_of(const std::vector<Invitation>& invitations);

}  // namespace quern::keys
