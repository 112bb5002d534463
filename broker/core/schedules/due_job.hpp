// The job that a schedule submits.
#pragma once

#include <cstdint>

#include "wire/messages.hpp"

namespace quern::broker {

/// The job of this schedule as it is submitted at this due time (in ms since 1970), without its
/// UUID: its name and its metadata say where it comes from.
wire::Submit due_job(const wire::Schedule& schedule, std::int64_t due_ms);

/// The UUID of that job. Each `attempt` gives another one: the UUID may be taken if a clock that
/// was set back has come to this due time again.
Uuid due_uuid(const wire::Schedule& schedule, std::uint64_t id, std::int64_t due_ms,
              std::uint64_t attempt);

}  // namespace quern::broker
