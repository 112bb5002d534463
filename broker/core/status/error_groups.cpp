#include "broker/core/status/error_groups.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

// About two milliseconds. Long texts take longer, so they count as several errors.
constexpr std::size_t kLooksMost = 5'000;
constexpr std::size_t kTextOfLook = 256;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

using Key = std::pair<ErrorCode, std::string>;

void add(ErrorGroup& group, const TaskError& error) {
  const std::uint64_t last = error.first + error.count - 1;
  group.first = group.count == 0 ? error.first : std::min(group.first, error.first);
  group.last = std::max(group.last, last);
  group.count += error.count;
}

}  // namespace

std::string without_numbers(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_digit(text[i])) {
      out += text[i];
    } else if (i == 0 || !is_digit(text[i - 1])) {
      out += "<n>";
    }
  }
  return out;
}

ErrorPage group_errors(const ResultLog& results, ErrorCursor from, std::size_t bytes_most) {
  ErrorPage page;
  std::map<Key, std::size_t> at;
  if (from.entry < results.begin()) from = {results.begin(), 0};
  for (page.next = from; page.next.entry < results.end(); ++page.next.entry, page.next.skip = 0) {
    const std::vector<TaskError>& errors = results.at(page.next.entry).errors;
    ++page.looks;
    for (; page.next.skip < errors.size(); ++page.next.skip) {
      if (page.looks > kLooksMost || page.bytes > bytes_most) return page.more = true, page;
      const TaskError& error = errors[page.next.skip];
      page.looks += 1 + error.text.size() / kTextOfLook;
      Key key{error.code, without_numbers(error.text)};
      const auto [known, fresh] = at.try_emplace(std::move(key), page.groups.size());
      if (fresh) {
        page.groups.push_back({error.code, known->first.second, 0, 0, 0, error.text});
        page.bytes += 96 + known->first.second.size() + error.text.size();
      }
      add(page.groups[known->second], error);
    }
    if (page.looks > kLooksMost && page.next.entry + 1 < results.end())
      return ++page.next.entry, page.next.skip = 0, page.more = true, page;
  }
  return page;
}

}  // namespace quern::broker
