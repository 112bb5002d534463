// Whether a JSON schema describes a form that the page can show and somebody can fill in. Pure.
#pragma once

#include "gateway/api/fields.hpp"

namespace quern::gateway {

/// Throws BadRequest that names the place in the schema and what is wrong with it. Keywords that
/// forms do not use are not looked at.
void check_form(const Json& schema);

}  // namespace quern::gateway
