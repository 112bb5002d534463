// The answers of the routes of pull workers, and tokens as text. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.hpp"
#include "gateway/pull/core_types.hpp"

namespace quern::gateway::pull {

/// "7.QlB3...": the number of the worker and the random token of a batch; then, for one task,
/// "." and its place in the batch.
struct TokenText {
  std::uint64_t worker = 0;
  Named named;
};
std::optional<TokenText> token_of(std::string_view text);

/// `uuids`: name the jobs by their UUIDs, too.
Response leases_answer(const Granted& granted, std::uint64_t worker, bool uuids);
Response counted_answer(const Counted& counted);
Response extended_answer(const Extended& extended);
Response rejected_answer(const Rejected& rejected);
/// The worker has left the broker meanwhile.
Response left();

}  // namespace quern::gateway::pull
