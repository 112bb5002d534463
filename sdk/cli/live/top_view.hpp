// One frame of `quern top`: the broker's answers as lines that fit a terminal. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/syntax/extent.hpp"
#include "quern/status.hpp"

namespace quern::cli {

/// The state at one time.
struct TopPicture {
  std::string endpoint;
  BrokerStatus broker;
  std::vector<WorkerStatus> workers;
  std::vector<JobStatus> jobs;  ///< the newest; BrokerStatus::jobs counts all that run or wait
  std::map<std::uint64_t, double>
      speed;            ///< tasks per second since the previous picture, by the id of the worker
  std::string trouble;  ///< why the picture is old; empty: the broker answers
  double age_s = 0;     ///< its age, if it is old
};

enum class Tone : unsigned char { plain, title, trouble };

struct ViewLine {
  std::string text;
  Tone tone = Tone::plain;

  bool operator==(const ViewLine&) const = default;
};

/// At most extent.rows lines, none wider than extent.columns, without control characters. First the
/// broker, then workers, jobs and errors: as many of each as fit, and the number of the others.
std::vector<ViewLine> top_view(const TopPicture& picture, Extent extent);

}  // namespace quern::cli
