#include "cli/commands/key_files.hpp"

#include <iostream>

#include "keys/files.hpp"
#include "keys/token.hpp"

namespace quern::cli {

using keys::AuthorizedKeys;

std::string keys_folder(const Given& given) {
  const std::string folder = given.keys();
  if (folder.empty())
    throw UsageError(
        "the folder of the keys is unknown because neither XDG_CONFIG_HOME nor HOME is set; name "
        "it with --keys");
  return folder;
}

void require_keys(const std::string& folder) {
  if (!keys::is_there(folder + "/authorized_keys"))
    throw FileError("no keys in " + folder +
                    "; start a broker, run `quern keys init`, or name another folder with --keys");
}

AuthorizedKeys read_list(const std::string& folder) {
  require_keys(folder);
  AuthorizedKeys list =
      AuthorizedKeys::parse(keys::read_file(folder + "/authorized_keys").value_or(""));
  for (const auto& problem : list.problems())
    std::cerr << "quern: authorized_keys, " << problem << " (the line is ignored)\n";
  return list;
}

void write_list(const std::string& folder, const AuthorizedKeys& list) {
  keys::write_file(folder + "/authorized_keys", list.text());
}

void check_name(const AuthorizedKeys& list, const std::string& name) {
  if (!keys::is_principal_name(name))
    throw UsageError("'" + name +
                     "' is not a valid name for a key: use 1 to 64 letters, digits and . _ @ -, "
                     "beginning with a letter or a digit, but not broker, operator or anonymous");
  for (const auto& grant : list.grants())
    if (grant.name == name)
      throw UsageError(name + " already has a key; replace it with `quern keys rotate " + name +
                       "`, or remove it with `quern keys revoke " + name + "`");
}

std::string add_token(const std::string& folder, keys::Grant& grant) {
  require_keys(folder);
  const keys::FolderLock lock(folder);
  keys::AuthorizedKeys file = read_list(folder);
  check_name(file, grant.name);
  const std::string token = keys::new_token();
  grant.key = keys::pair_of_token(token).public_key;
  file.add(grant);
  write_list(folder, file);
  return token;
}

}  // namespace quern::cli
