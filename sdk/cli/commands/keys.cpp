// `quern keys`: the broker's key files on this machine: who may do what. All actions except `join`
// change files, which a running broker notices within a second.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/commands/key_files.hpp"
#include "cli/commands/keys_invite.hpp"
#include "cli/output/json.hpp"
#include "cli/output/table.hpp"
#include "cli/syntax/grant_options.hpp"
#include "cli/syntax/options.hpp"
#include "cli/syntax/suggest.hpp"
#include "keys/authorized_keys.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/key_pair.hpp"
#include "notation/moment.hpp"

namespace quern::cli {
namespace {

using keys::AuthorizedKeys;
using keys::Grant;
using keys::KeyPair;

constexpr Manual kKeysManual = {
    "quern keys init | list | add | token | revoke | rotate | invite | join [OPTIONS]",
    "Manages who may do what with the broker on this machine: one line per "
    "key in authorized_keys, in $QUERN_KEYS, else $XDG_CONFIG_HOME/quern, or --keys DIR. A running "
    "broker acts on a change within a second.\n"
    "\n"
    "roles: submit (submit jobs), work (run tasks), read (see workers, and the jobs of others with "
    "--reads), admin (manage all jobs, drain workers). `quern keys add --help` shows the limits a "
    "key can have.",
    "  quern keys invite --role work --broker tcp://10.0.0.5:7600\n"
    "  quern keys add sensors --role submit --functions 'filter*' --max-jobs 100\n"
    "  quern keys revoke sensors\n"};

/// Writes the files of a new pair to a folder that can be handed over and used with --keys.
std::string hand_over(const std::string& folder, const Grant& grant, const KeyPair& pair) {
  const std::string place = folder + "/issued/" + grant.name;
  keys::make_folder(folder + "/issued");
  keys::make_folder(place);
  const bool works = grant.may(keys::GrantRole::work);
  if (works) keys::write_pair(place, "worker", pair);
  if ((grant.roles & ~static_cast<unsigned>(keys::GrantRole::work)) != 0)
    keys::write_pair(place, "client", pair);
  if (const auto broker = keys::read_public(folder + "/broker.pub"))
    keys::write_file(place + "/broker.pub", *broker + "\n", 0644);
  return place;
}

Json grant_json(const Grant& grant) {
  Json object{{"name", grant.name}, {"key", grant.key}, {"roles", keys::role_words(grant.roles)}};
  const auto put_list = [&](const char* name, const std::vector<std::string>& list) {
    if (!list.empty()) object[name] = list;
  };
  put_list("functions", grant.functions);
  put_list("jobs", grant.jobs);
  put_list("reads", grant.reads);
  put_list("from", grant.from);
  if (grant.max_tasks) object["max_tasks"] = *grant.max_tasks;
  if (grant.max_bytes) object["max_bytes"] = *grant.max_bytes;
  if (grant.max_jobs) object["max_jobs"] = *grant.max_jobs;
  if (grant.max_rate) object["max_rate"] = *grant.max_rate;
  if (grant.max_priority) object["max_priority"] = *grant.max_priority;
  object["weight"] = grant.weight;
  if (grant.expires) object["expires"] = notation::moment_text(*grant.expires);
  return object;
}

/// The part of a line after the roles: the limits.
std::string limits_text(const Grant& grant) {
  const std::string line = keys::line_of(grant);
  const std::string head = grant.name + " " + grant.key + " " + keys::role_words(grant.roles);
  return line.size() > head.size() ? line.substr(head.size() + 1) : "-";
}

Syntax init_syntax() {
  return Syntax({"quern keys init",
                 "Creates the keys of a broker, of clients and of workers on this machine if they "
                 "are missing.",
                 "  quern keys init\n  quern keys init --keys /etc/quern\n"});
}

/// Keys from earlier versions or other programs can begin with a dash; they are words, not options.
Arguments with_keys_as_words(const Arguments& arguments) {
  const auto is_dashed_key = [](const std::string& word) {
    return word.starts_with('-') && !word.starts_with("--") && keys::is_key(word);
  };
  if (std::find(arguments.begin(), arguments.end(), "--") != arguments.end()) return arguments;
  Arguments ordered(arguments);
  const auto keys =
      std::stable_partition(ordered.begin(), ordered.end(), std::not_fn(is_dashed_key));
  if (keys != ordered.end()) ordered.insert(keys, "--");
  return ordered;
}

Exit init(const Arguments& arguments) {
  const auto given = init_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string folder = keys_folder(*given);
  const bool made = keys::make_missing(folder);
  if (given->json())
    std::cout << line_of({{"folder", folder},
                          {"made", made},
                          {"broker_key", keys::read_public(folder + "/broker.pub").value_or("")}});
  else
    std::cout << (made ? "created keys in " : "all keys exist already: ") << folder << '\n';
  return Exit::done;
}

Syntax list_syntax() {
  return Syntax({"quern keys list", "Lists the keys with their roles and limits.",
                 "  quern keys list\n  quern keys list --json | jq -r .name\n"});
}

Exit list(const Arguments& arguments) {
  const auto given = list_syntax().parse(arguments);
  if (!given) return Exit::done;
  const auto grants = read_list(keys_folder(*given)).grants();
  if (given->json()) {
    for (const Grant& grant : grants) std::cout << line_of(grant_json(grant));
    return Exit::done;
  }
  Table table({{"name"}, {"roles"}, {"key"}, {"limits"}});
  for (const Grant& grant : grants)
    table.add({grant.name, keys::role_words(grant.roles), grant.key, limits_text(grant)});
  std::cout << table.text();
  return Exit::done;
}

/// A revoked key may have been stolen, so it must not be admitted again by mistake.
void check_not_revoked(const AuthorizedKeys& file, const std::string& key) {
  if (file.was_revoked(key))
    throw UsageError(
        "this key was revoked; leave out PUBLIC_KEY to create a new pair (to admit the same key "
        "again, first delete its line '# revoked ...' from authorized_keys)");
}

Syntax add_syntax() {
  Syntax syntax({"quern keys add NAME [PUBLIC_KEY] --role ROLES [LIMITS]",
                 "Admits a key. Without PUBLIC_KEY, creates a key pair in a folder to hand over; "
                 "with it, only adds the line.",
                 "  quern keys add lab3 --role work\n  quern keys add alice "
                 "'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7' "
                 "--role submit,read\n"
                 "  quern keys add sensors --role submit --functions 'filter*' --max-jobs 100 "
                 "--expires 2027-01-31\n"});
  syntax.words(1, 2, "a name for the key");
  add_grant_options(syntax);
  return syntax;
}

Exit add(const Arguments& arguments) {
  const auto given = add_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string folder = keys_folder(*given);
  Grant grant = grant_of(*given);
  const auto words = given->words();
  grant.name = words[0];
  if (words.size() == 2 && !keys::is_key(words[1]))
    throw UsageError("'" + words[1] + "' is not a public key (40 characters of Z85)");
  require_keys(folder);
  const keys::FolderLock lock(folder);
  AuthorizedKeys file = read_list(folder);
  check_name(file, grant.name);
  std::string place;
  KeyPair pair;
  if (words.size() == 2) {
    grant.key = words[1];
    check_not_revoked(file, grant.key);
  } else {
    pair = keys::new_key_pair();
    grant.key = pair.public_key;
    place = hand_over(folder, grant, pair);
  }
  file.add(grant);
  write_list(folder, file);
  if (given->json()) {
    Json object = grant_json(grant);
    if (!place.empty()) object["folder"] = place;
    std::cout << line_of(object);
  } else if (place.empty()) {
    std::cout << grant.name << " may now: " << keys::role_words(grant.roles) << '\n';
  } else {
    std::cout << grant.name << " may now: " << keys::role_words(grant.roles)
              << "\n"
                 "Its keys are in "
              << place
              << "\n"
                 "Hand over that folder (it contains a secret key). Use it with --keys FOLDER or "
                 "QUERN_KEYS\n";
  }
  return Exit::done;
}

Syntax token_syntax() {
  Syntax syntax(
      {"quern keys token NAME --role ROLES [LIMITS]",
       "Admits a new key and prints it as a token, for programs that reach the broker over "
       "HTTP (`quern-gateway`). The token is a secret, and it is not shown again. It has "
       "the roles and limits of its line in authorized_keys; `quern keys revoke NAME` ends "
       "it.",
       "  quern keys token dashboard --role read --reads '*'\n"
       "  TOKEN=$(quern keys token ci --role submit,read --functions 'build*')\n"
       "  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:7680/v1/jobs\n"});
  syntax.words(1, 1, "a name for the key");
  add_grant_options(syntax);
  return syntax;
}

Exit token(const Arguments& arguments) {
  const auto given = token_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string folder = keys_folder(*given);
  Grant grant = grant_of(*given);
  grant.name = given->words()[0];
  const std::string token = add_token(folder, grant);
  if (given->json()) {
    Json object = grant_json(grant);
    object["token"] = token;
    std::cout << line_of(object);
  } else {
    std::cout << token << '\n';
  }
  return Exit::done;
}

std::string nobody_called(const std::string& who, const std::vector<Grant>& grants) {
  std::vector<std::string> names;
  for (const Grant& grant : grants) names.push_back(grant.name);
  const auto near = nearest(who, names);
  return "there is no key with the name '" + who + "'" +
         (near ? "; did you mean '" + *near + "'?" : "") + " (`quern keys list`)";
}

Syntax revoke_syntax() {
  Syntax syntax({"quern keys revoke NAME|PUBLIC_KEY",
                 "Revokes a key, or all keys of a name. Its sessions end within a second.",
                 "  quern keys revoke lab3\n"});
  syntax.words(1, 1, "a name or a public key");
  return syntax;
}

Exit revoke(const Arguments& arguments) {
  const auto given = revoke_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string folder = keys_folder(*given);
  const std::string who = given->words().front();
  require_keys(folder);
  const keys::FolderLock lock(folder);
  AuthorizedKeys file = read_list(folder);
  const auto before = file.grants();
  const std::size_t removed = file.revoke(who);
  if (removed == 0) throw UsageError(nobody_called(who, before));
  write_list(folder, file);
  // Removes the folder that was created for handing over the key, which is useless now.
  for (const Grant& grant : before) {
    const auto left = file.grants();
    const bool gone = std::none_of(left.begin(), left.end(),
                                   [&](const Grant& g) { return g.name == grant.name; });
    std::error_code ignored;
    if (gone) std::filesystem::remove_all(folder + "/issued/" + grant.name, ignored);
  }
  if (given->json())
    std::cout << line_of({{"revoked", who}, {"keys", removed}});
  else
    std::cout << who << ": " << removed << (removed == 1 ? " key" : " keys") << " revoked\n";
  return Exit::done;
}

Syntax rotate_syntax() {
  Syntax syntax(
      {"quern keys rotate NAME [PUBLIC_KEY]",
       "Replaces the key of a name; roles, limits and jobs stay the same. Without PUBLIC_KEY, "
       "creates a new pair where the old one is: for `client` and `worker` of this machine, and in "
       "folders created by "
       "`quern keys add`. The old key is not accepted from then on. `broker` replaces the key of "
       "the broker itself: restart the broker, "
       "and copy its new broker.pub to all other machines.",
       "  quern keys rotate client\n  quern keys rotate lab3\n  quern keys rotate broker\n"});
  syntax.words(1, 2, "a name");
  return syntax;
}

Exit rotate(const Arguments& arguments) {
  const auto given = rotate_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string folder = keys_folder(*given);
  const auto words = given->words();
  const std::string& name = words[0];
  if (words.size() == 2 && !keys::is_key(words[1]))
    throw UsageError("'" + words[1] + "' is not a public key (40 characters of Z85)");
  if (name == "broker" && words.size() == 2)
    throw UsageError(
        "the pair of the broker is created here: run `quern keys rotate broker` without a key");
  require_keys(folder);
  const keys::FolderLock lock(folder);
  if (name == "broker") {
    keys::write_pair(folder, "broker", keys::new_key_pair());
    if (given->json())
      std::cout << line_of(
          {{"name", name}, {"key", keys::read_public(folder + "/broker.pub").value_or("")}});
    else
      std::cout << "the broker has a new key; restart it, and copy " << folder
                << "/broker.pub to every other machine\n";
    return Exit::done;
  }
  AuthorizedKeys file = read_list(folder);
  const auto before = file.grants();
  const auto found = std::find_if(before.begin(), before.end(),
                                  [&](const Grant& grant) { return grant.name == name; });
  if (found == before.end()) throw UsageError(nobody_called(name, before));
  Grant fresh = *found;
  std::string place;
  if (words.size() == 2) {
    fresh.key = words[1];
    check_not_revoked(file, fresh.key);
    file.add(fresh);
  } else {
    const KeyPair pair = keys::new_key_pair();
    fresh.key = pair.public_key;
    // Both keys are valid while the files change, so that a program that starts in between can
    // connect.
    file.add(fresh);
    write_list(folder, file);
    const bool here = keys::read_public(folder + "/" + name + ".pub") == found->key;
    if (here) keys::write_pair(folder, name, pair);
    place = here ? folder : hand_over(folder, fresh, pair);
  }
  for (const Grant& old : before)
    if (old.name == name) file.remove(old.key);
  write_list(folder, file);
  if (given->json())
    std::cout << line_of(grant_json(fresh));
  else
    std::cout << name << " has a new key" << (place.empty() ? "" : ", in " + place) << '\n';
  return Exit::done;
}

constexpr Subcommand kActions[] = {
    {"init", "create the keys of a broker if there are none (a broker does it by itself)", init,
     init_syntax},
    {"list", "list the keys, their roles and limits", list, list_syntax},
    {"token", "admit a new key and print it as a bearer token for HTTP", token, token_syntax},
    {"add", "admit a key: one that you were given, or a new pair to hand over", add, add_syntax},
    {"revoke", "revoke a key; its sessions end, its leases go to other workers", revoke,
     revoke_syntax},
    {"rotate", "replace the key of a name", rotate, rotate_syntax},
    {"invite", "print a code with which one machine or person can join", invite, invite_syntax},
    {"join", "join with a code, for `quern` and programs (workers: quern-worker --join CODE)",
     join_here, join_syntax},
};

}  // namespace

Syntax keys_syntax() {
  Syntax syntax(kKeysManual);
  syntax.actions(kActions);
  return syntax;
}

Exit keys_command(const Arguments& arguments) {
  try {
    return keys_syntax().act(with_keys_as_words(arguments));
  } catch (const quern::keys::KeyError& error) {
    throw FileError(error.what());
  }
}

}  // namespace quern::cli
