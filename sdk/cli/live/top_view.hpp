// One frame of `quern top`: what the broker said, as lines that fit a terminal. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/syntax/extent.hpp"
#include "quern/status.hpp"

namespace quern::cli {

/// What there is to see at one time.
struct TopPicture {
  std::string endpoint;
  BrokerStatus broker;
  std::vector<WorkerStatus> workers;
  std::vector<JobStatus> jobs;  ///< the newest; BrokerStatus::jobs counts all that run or wait
  std::map<std::uint64_t, double>
      speed;            ///< tasks a second, by the worker's id, since the picture before
  std::string trouble;  ///< why it is an old picture; empty: the broker answers
  double age_s = 0;     ///< how old it is, when it is
};

enum class Tone : unsigned char { plain, title, trouble };

struct ViewLine {
  std::string text;
  Tone tone = Tone::plain;

  bool operator==(const ViewLine&) const = default;
};

/// At most extent.rows lines, none wider than extent.columns, without control characters. First the
/// broker, then workers, jobs and errors, of each as many as fit and how many more there are.
std::vector<ViewLine> top_view(const TopPicture& picture, Extent extent);

}  // namespace quern::cli
