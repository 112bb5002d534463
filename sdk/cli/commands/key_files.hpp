// The broker's key files on this machine, as `quern keys` reads and changes them.
#pragma once

#include <string>

#include "cli/syntax/options.hpp"
#include "keys/authorized_keys.hpp"

namespace quern::cli {

/// Throws UsageError when nothing says where the keys are.
std::string keys_folder(const Given& given);
/// Throws FileError when there are none.
void require_keys(const std::string& folder);
/// Lines that cannot be read are told on standard error. Throws FileError.
keys::AuthorizedKeys read_list(const std::string& folder);
void write_list(const std::string& folder, const keys::AuthorizedKeys& list);
/// Throws UsageError for what is no name, or is taken.
void check_name(const keys::AuthorizedKeys& list, const std::string& name);

}  // namespace quern::cli
