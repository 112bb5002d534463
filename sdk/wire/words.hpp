// The words of the protocol for enumerations. One table per enumeration, in the order of its
// values; keys.hpp and the public to_string() use the same. Rule for changing: words are only
// added at the end (PROTOCOL.md, "Versions").
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "quern/bytes.hpp"
#include "quern/edges.hpp"
#include "quern/error.hpp"
#include "quern/schedule.hpp"
#include "quern/status.hpp"
#include "wire/messages.hpp"

namespace quern::wire {

template <typename Enum>
struct Words;

template <>
struct Words<ErrorCode> {
  static constexpr std::array<std::string_view, 27> list{
      "none",        "malformed",  "limit",          "version",     "role",      "session",
      "unknown_job", "queue_full", "results_unread", "credit",      "bad_input", "denied",
      "no_broker",   "refused",    "failed",         "timeout",     "cancelled", "lost",
      "poison",      "shutdown",   "store",          "lost_worker", "permanent", "conflict",
      "expired",     "deadline",   "upstream_failed"};
};
template <>
struct Words<JobState> {
  static constexpr std::array<std::string_view, 7> list{"waiting",   "running", "done",   "failed",
                                                        "cancelled", "lost",    "unknown"};
};
template <>
struct Words<InputKind> {
  static constexpr std::array<std::string_view, 3> list{"whole", "items", "range"};
};
template <>
struct Words<Takes> {
  static constexpr std::array<std::string_view, 3> list{"whole", "item", "range"};
};
template <>
struct Words<Durability> {
  static constexpr std::array<std::string_view, 3> list{"memory", "durable", "automatic"};
};
template <>
struct Words<Encoding> {
  static constexpr std::array<std::string_view, 2> list{"raw", "value"};
};
template <>
struct Words<Role> {
  static constexpr std::array<std::string_view, 2> list{"client", "worker"};
};
template <>
struct Words<QueryWhat> {
  static constexpr std::array<std::string_view, 11> list{
      "jobs",   "job",   "workers", "explain",   "broker",  "timeline",
      "errors", "tasks", "notes",   "schedules", "schedule"};
};
template <>
struct Words<TaskState> {
  static constexpr std::array<std::string_view, 10> list{
      "waiting", "retrying",  "leased", "unsure",  "done",
      "failed",  "cancelled", "ended",  "unknown", "blocked"};
};
template <>
struct Words<EdgePattern> {
  static constexpr std::array<std::string_view, 6> list{"each", "group", "all",
                                                        "list", "after", "unknown"};
};
template <>
struct Words<Join> {
  static constexpr std::array<std::string_view, 3> list{"automatic", "array", "first"};
};
template <>
struct Words<Missed> {
  static constexpr std::array<std::string_view, 2> list{"run-once", "skip"};
};
template <>
struct Words<Overlap> {
  static constexpr std::array<std::string_view, 2> list{"skip", "queue"};
};
template <>
struct Words<RunOutcome> {
  static constexpr std::array<std::string_view, 5> list{"ran", "skipped", "missed", "refused",
                                                        "unknown"};
};
template <>
struct Words<ScheduleAction> {
  static constexpr std::array<std::string_view, 5> list{"add", "replace", "remove", "pause",
                                                        "resume"};
};
template <>
struct Words<LeaseKind> {
  static constexpr std::array<std::string_view, 5> list{"item", "range", "whole", "merge",
                                                        "finish"};
};

/// The word of a value; empty for a value outside the enumeration.
template <typename Enum>
constexpr std::string_view word(Enum value) {
  const auto i = static_cast<std::size_t>(value);
  return i < Words<Enum>::list.size() ? Words<Enum>::list[i] : std::string_view{};
}

/// The value of a word.
template <typename Enum>
constexpr std::optional<Enum> from_word(std::string_view text) {
  for (std::size_t i = 0; i < Words<Enum>::list.size(); ++i)
    if (Words<Enum>::list[i] == text) return static_cast<Enum>(i);
  return std::nullopt;
}

static_assert(word(ErrorCode::shutdown) == "shutdown" && word(ErrorCode::failed) == "failed");
static_assert(word(JobState::unknown) == "unknown" && word(LeaseKind::finish) == "finish");

}  // namespace quern::wire
