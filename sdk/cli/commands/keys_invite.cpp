#include "cli/commands/keys_invite.hpp"

#include <algorithm>
#include <ctime>
#include <iostream>

#include "cli/commands/key_files.hpp"
#include "cli/output/json.hpp"
#include "cli/syntax/grant_options.hpp"
#include "cli/syntax/options.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/invitation.hpp"
#include "notation/duration.hpp"
#include "notation/moment.hpp"
#include "quern/join.hpp"

namespace quern::cli {
namespace {

constexpr double kLifeMost = 30 * 86'400.0;

std::int64_t life_of(const std::string& text) {
  const auto seconds = notation::seconds_in(text);
  if (!seconds || *seconds < 1 || *seconds > kLifeMost)
    throw UsageError("--life takes a time such as 15m or 2h, up to 30d");
  return static_cast<std::int64_t>(*seconds);
}

}  // namespace

Syntax invite_syntax() {
  Syntax syntax({"quern keys invite --role ROLES [--broker ENDPOINT] [--life TIME] [LIMITS]",
                 "Prints a code with which one machine or person creates a key and joins. --broker "
                 "is the endpoint at which the newcomer reaches the broker.",
                 "  quern keys invite --role work --broker tcp://10.0.0.5:7600\n"
                 "  quern keys invite --role submit,read --name alice --life 2h --broker "
                 "tcp://10.0.0.5:7600\n"});
  auto add = syntax.add();
  add("name", option<std::string>("NAME"), "name of the new key; default: the name of the host");
  add("life", option<std::string>("TIME"), "how long the code is valid; default 15m");
  add_grant_options(syntax);
  return syntax;
}

Exit invite(const Arguments& arguments) {
  const auto given = invite_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string folder = keys_folder(*given);
  keys::Invitation invitation;
  invitation.grant = grant_of(*given);
  if (given->has("name")) {
    invitation.grant.name = given->get<std::string>("name");
  }
  // Jobs belong to names, so a key that may submit must not choose its own name.
  else if (invitation.grant.roles != static_cast<std::uint8_t>(keys::GrantRole::work))
    throw UsageError("--name is missing; only workers may choose their own");
  const std::int64_t life = life_of(given->get_or<std::string>("life", "15m"));
  const std::string endpoint = given->endpoint();
  if (!keys::is_peer_endpoint(endpoint) || endpoint.starts_with("tcp://0.0.0.0:") ||
      endpoint.starts_with("tcp://[::]:"))
    throw UsageError("--broker " + endpoint +
                     ": give the endpoint at which the new machine reaches the broker, such as "
                     "tcp://10.0.0.5:7600");
  require_keys(folder);
  const keys::FolderLock lock(folder);
  if (given->has("name")) check_name(read_list(folder), invitation.grant.name);
  const std::string secret = keys::new_secret();
  const std::int64_t now = static_cast<std::int64_t>(std::time(nullptr));
  invitation.hash = keys::hash_of_secret(secret);
  invitation.expires = now + life;
  auto open = keys::invitations_of(keys::read_file(folder + "/invitations").value_or(""));
  std::erase_if(open, [&](const auto& old) { return old.expires <= now; });
  open.push_back(invitation);
  keys::write_file(folder + "/invitations", keys::text_of(open));
  const std::string code = keys::text_of(
      keys::InvitationCode{endpoint, keys::read_public(folder + "/broker.pub").value(), secret});
  const bool works = invitation.grant.may(keys::GrantRole::work);
  const std::string command = works ? "quern-worker --join " + code : "quern keys join " + code;
  if (given->json()) {
    std::cout << line_of({{"code", code},
                          {"endpoint", endpoint},
                          {"expires", notation::moment_text(invitation.expires)},
                          {"command", command}});
    return Exit::done;
  }
  std::cout << code << '\n';
  std::cerr << "run this on the new machine before " << notation::moment_text(invitation.expires)
            << ", once:\n"
               "  "
            << command << '\n';
  if (endpoint.find("127.0.0.1") != std::string::npos ||
      endpoint.find("localhost") != std::string::npos || endpoint.starts_with("ipc:"))
    std::cerr << "note: only this machine can reach " << endpoint
              << "; for other machines, give its address with --broker\n";
  return Exit::done;
}

Syntax join_syntax() {
  Syntax syntax({"quern keys join CODE",
                 "Joins the broker that the code names: creates a key for `quern` and programs on "
                 "this machine, and stores it for that endpoint.",
                 "  quern keys join CODE\n  quern jobs --broker tcp://10.0.0.5:7600\n"});
  syntax.words(1, 1, "a code of `quern keys invite`");
  syntax.add()("name", option<std::string>("NAME"),
               "name of the key, if the invitation does not set it");
  return syntax;
}

Exit join_here(const Arguments& arguments) {
  const auto given = join_syntax().parse(arguments);
  if (!given) return Exit::done;
  try {
    keys::code_of(given->words().front());
  } catch (const keys::KeyError& error) {
    throw UsageError(error.what());
  }
  const Joined joined =
      join(given->words().front(), {.keys = keys_folder(*given),
                                    .name = given->get_or<std::string>("name", {}),
                                    .worker = false});
  if (given->json())
    std::cout << line_of(
        {{"endpoint", joined.endpoint}, {"name", joined.name}, {"roles", joined.roles}});
  else
    std::cout << "joined the broker at " << joined.endpoint << " as " << joined.name << " ("
              << joined.roles
              << ")\n"
                 "From now on: quern COMMAND --broker "
              << joined.endpoint << ", or QUERN_BROKER=" << joined.endpoint << '\n';
  return Exit::done;
}

}  // namespace quern::cli
