// Groups errors that are alike: equal codes, and texts that differ only in numbers. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/jobs/result_log.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

/// The text with `<n>` in place of each run of decimal digits.
std::string without_numbers(std::string_view text);

/// A place in the errors of a job: an error of a result entry.
struct ErrorCursor {
  std::uint64_t entry = 0;
  std::uint64_t skip = 0;
};

/// The groups of some consecutive errors.
struct ErrorPage {
  std::vector<ErrorGroup> groups;
  std::size_t bytes = 0;  ///< of the groups, roughly
  std::size_t looks = 0;  ///< errors and entries that were examined
  bool more = false;      ///< there are further ones, from `next` on
  ErrorCursor next;
};

/// Examines errors from `from` on, a bounded number and at least one, until the groups have about
/// `bytes_most`.
ErrorPage group_errors(const ResultLog& results, ErrorCursor from, std::size_t bytes_most);

}  // namespace quern::broker
