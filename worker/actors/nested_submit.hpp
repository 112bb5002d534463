// The SUBMIT of a task: from what its function says.
#pragma once

#include <string>

#include "quern/input.hpp"
#include "quern/options.hpp"
#include "wire/messages.hpp"

namespace quern::worker {

/// With a UUID of its own and the whole input, without the lease and the task.
/// @throws SubmitError when this cannot be submitted by a task: an input or an option that takes
///         more than one message, or a value that is out of bounds
wire::Submit nested_submit(std::string function, Input input, SubmitOptions options);

}  // namespace quern::worker
