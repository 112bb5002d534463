#include "cli/commands/key_files.hpp"

#include <iostream>

#include "keys/files.hpp"

namespace quern::cli {

using keys::AuthorizedKeys;

std::string keys_folder(const Given& given) {
  const std::string folder = given.keys();
  if (folder.empty())
    throw UsageError(
        "neither XDG_CONFIG_HOME nor HOME says where the keys are: name a folder with --keys");
  return folder;
}

void require_keys(const std::string& folder) {
  if (!keys::is_there(folder + "/authorized_keys"))
    throw FileError("there are no keys in " + folder +
                    ": start a broker, or run `quern keys init` (another folder: --keys DIR)");
}

AuthorizedKeys read_list(const std::string& folder) {
  require_keys(folder);
  AuthorizedKeys list =
      AuthorizedKeys::parse(keys::read_file(folder + "/authorized_keys").value_or(""));
  for (const auto& problem : list.problems())
    std::cerr << "quern: authorized_keys, " << problem << " (it grants nothing)\n";
  return list;
}

void write_list(const std::string& folder, const AuthorizedKeys& list) {
  keys::write_file(folder + "/authorized_keys", list.text());
}

void check_name(const AuthorizedKeys& list, const std::string& name) {
  if (!keys::is_principal_name(name))
    throw UsageError(
        "'" + name +
        "' is no name for a key: up to 64 letters, digits and . _ @ -, a letter or a digit "
        "first; broker, operator and anonymous are taken");
  for (const auto& grant : list.grants())
    if (grant.name == name)
      throw UsageError(name + " has a key already: `quern keys rotate " + name +
                       "` changes it, `quern keys revoke " + name + "` takes it away");
}

}  // namespace quern::cli
