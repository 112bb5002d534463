#include "cli/syntax/states.hpp"

#include <string>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

// `unknown` is no state of a job that exists.
constexpr JobState kStates[] = {JobState::waiting, JobState::running,   JobState::done,
                                JobState::failed,  JobState::cancelled, JobState::lost};

JobState job_state(std::string_view word) {
  std::string known;
  for (const JobState state : kStates) {
    if (to_string(state) == word) return state;
    known += (known.empty() ? "" : ", ") + std::string(to_string(state));
  }
  throw UsageError("--state takes states of jobs (" + known + "), not '" + std::string(word) + "'");
}

}  // namespace

std::vector<JobState> job_states(std::string_view text) {
  std::vector<JobState> states;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    states.push_back(job_state(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return states;
}

}  // namespace quern::cli
