// What a key may do, as options of `quern keys add` and `quern keys invite`.
#pragma once

#include "cli/syntax/options.hpp"
#include "keys/grant.hpp"

namespace quern::cli {

/// --role and the limits.
void add_grant_options(Syntax& syntax);

/// The roles and limits that were given; without name and key. Throws UsageError.
keys::Grant grant_of(const Given& given);

}  // namespace quern::cli
