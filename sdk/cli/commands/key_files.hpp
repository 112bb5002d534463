// The broker's key files on this machine, as `quern keys` reads and changes them.
#pragma once

#include <string>

#include "cli/syntax/options.hpp"
#include "keys/authorized_keys.hpp"

namespace quern::cli {

/// Throws UsageError if the folder of the keys is unknown.
std::string keys_folder(const Given& given);
/// Throws FileError when there are none.
void require_keys(const std::string& folder);
/// Reports invalid lines on standard error. Throws FileError.
keys::AuthorizedKeys read_list(const std::string& folder);
void write_list(const std::string& folder, const keys::AuthorizedKeys& list);
/// Admits a new key with this name, these roles and limits, and returns its token.
std::string add_token(const std::string& folder, keys::Grant& grant);
/// Throws UsageError if the name is invalid or taken.
void check_name(const keys::AuthorizedKeys& list, const std::string& name);

}  // namespace quern::cli
