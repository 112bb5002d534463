// Turns the user's options into a SUBMIT that the broker accepts, or tells why it would be refused.
#pragma once

#include <optional>
#include <string>

#include "client/effects.hpp"
#include "quern/input.hpp"
#include "quern/options.hpp"

namespace quern::client {

/// Why this cannot be submitted; nothing if it can.
std::optional<Failure> check_submission(const std::string& function, const Input& input,
                                        const SubmitOptions& options);

/// The message, without payloads. Moves the common input out of `options`.
wire::Submit submission(const Uuid& uuid, std::string function, const Input& input,
                        SubmitOptions options);

/// Whether single submits with these options can become tasks of one job: no option applies to a
/// single job only.
bool may_coalesce(const Input& input, const SubmitOptions& options);

}  // namespace quern::client
