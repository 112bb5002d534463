// What a job for people says about its items: how many answers each needs, and the form. It is in
// the job's common input, as {"people": {...}}. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/api/fields.hpp"

namespace quern::gateway {

struct PeopleSettings {
  std::uint32_t answers = 1;  ///< of different people that an item needs at most
  std::uint32_t agree = 1;    ///< equal answers with which an item is done
  Json schema;                ///< of an answer (JSON Schema); null: any text
  std::string title;
  std::string instructions;
};

/// The field "people" of a submission. Throws BadRequest.
PeopleSettings people_settings_in(const Json& people);
/// The common input that carries them.
Bytes common_of(const PeopleSettings& settings);
/// The settings of a job, from its common input; the usual ones if it has none.
PeopleSettings people_settings_of(const std::optional<Json>& common);

/// An item as it was submitted: anything, or {"input": ..., "gold": ..., "schema": ...}.
struct PeopleItem {
  Json input;
  std::optional<Json> gold{};  ///< the answer that is known to be right; people do not see it
  Json schema{};               ///< of its answer, instead of that of the job; null: none
};
PeopleItem people_item_of(const Json& sent);

}  // namespace quern::gateway
