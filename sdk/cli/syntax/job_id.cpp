#include "cli/syntax/job_id.hpp"

#include <charconv>
#include <string_view>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

[[noreturn]] void not_an_id(const std::string& text) {
  throw UsageError("'" + text + "' is not the id of a job (12) or of one of its tasks (12.5)");
}

}  // namespace

JobId job_id(const std::string& text) {
  const auto dot = text.find('.');
  const auto number = whole_number(std::string_view(text).substr(0, dot));
  if (!number || *number == 0) not_an_id(text);
  JobId id{JobNumber{*number}, std::nullopt};
  if (dot == std::string::npos) return id;
  id.task = whole_number(std::string_view(text).substr(dot + 1));
  if (!id.task) not_an_id(text);
  return id;
}

JobNumber job_number(const std::string& text) {
  const JobId id = job_id(text);
  if (id.task) throw UsageError("'" + text + "' names a task; this command takes the id of a job");
  return id.number;
}

}  // namespace quern::cli
