#include "broker/core/status/job_filter.hpp"

#include <algorithm>

#include "wire/glob.hpp"

namespace quern::broker {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

unsigned bit_of(JobState state) { return 1u << static_cast<unsigned>(state); }

}  // namespace

bool contains_in_any_case(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end() ||
         part.empty();
}

JobFilter::JobFilter(const wire::Query& query) : query_(query) {
  for (const JobState state : query.states) states_ |= bit_of(state);
}

bool JobFilter::matches(const Job& job) const {
  return (states_ == 0 || (states_ & bit_of(job.phase.state)) != 0) &&
         (query_.function.empty() || job.spec.function == query_.function) &&
         (query_.owner.empty() || job.spec.principal == query_.owner) &&
         (query_.name.empty() || wire::matches(query_.name, job.spec.name));
}

bool JobFilter::matches_text(const Job& job, std::string_view reason) const {
  return contains_in_any_case(job.spec.name, query_.text) ||
         contains_in_any_case(job.spec.function, query_.text) ||
         contains_in_any_case(reason, query_.text);
}

}  // namespace quern::broker
