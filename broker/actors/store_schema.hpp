// The tables of a store; broker/STORE.md describes them for people. Rule for changing: a change of
// a table is a new schema version, with a step here that upgrades the previous one.
#pragma once

#include "broker/actors/sqlite.hpp"

namespace quern::broker {

inline constexpr std::int64_t kSchemaVersion = 8;
inline constexpr std::int64_t kApplicationId = 0x51756572;  // "Quer"

/// Creates the tables in an empty file; refuses files that are not stores, and stores of a newer
/// version.
void prepare_schema(Database& database);
/// Checks without changing anything; throws if this version cannot read it.
void require_schema(Database& database);

}  // namespace quern::broker
