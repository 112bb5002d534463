#include "wire/words.hpp"

namespace quern {

std::string_view to_string(ErrorCode code) {
  const auto text = wire::word(code);
  return text.empty() ? "failed" : text;
}

ErrorCode error_code(std::string_view text) {
  return wire::from_word<ErrorCode>(text).value_or(ErrorCode::failed);
}

std::string_view to_string(JobState state) { return wire::word(state); }
std::string_view to_string(TaskState state) { return wire::word(state); }
std::string_view to_string(InputKind kind) { return wire::word(kind); }
std::string_view to_string(Missed missed) { return wire::word(missed); }
std::string_view to_string(Overlap overlap) { return wire::word(overlap); }
std::string_view to_string(RunOutcome outcome) { return wire::word(outcome); }
std::string_view to_string(EdgePattern pattern) { return wire::word(pattern); }
std::string_view to_string(Takes takes) { return wire::word(takes); }
std::string_view to_string(Durability durability) { return wire::word(durability); }

}  // namespace quern
