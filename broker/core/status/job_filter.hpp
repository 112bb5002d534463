// The conditions of a QUERY `jobs`. Pure: a table test of it needs nothing but jobs.
#pragma once

#include <string>
#include <string_view>

#include "broker/core/jobs/job.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

/// Whether `text` contains `part`; upper and lower case of ASCII letters are the same.
bool contains_in_any_case(std::string_view text, std::string_view part);

class JobFilter {
 public:
  /// `query` must outlive the filter.
  explicit JobFilter(const wire::Query& query);

  /// All conditions but the text.
  bool matches(const Job& job) const;
  bool has_text() const { return !query_.text.empty(); }
  /// `reason`: as the status of the job shows it.
  bool matches_text(const Job& job, std::string_view reason) const;

 private:
  const wire::Query& query_;
  unsigned states_ = 0;  ///< a bit for each of them
};

}  // namespace quern::broker
