// Which open group a single submit belongs to. Any thread.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "client/singles.hpp"
#include "quern/input.hpp"
#include "quern/options.hpp"

namespace quern::client {

class Coalescer {
 public:
  /// Creates a group with `first` as its first task, and its handle; when it returns, the actor
  /// knows the group.
  using MakeGroup =
      std::function<std::pair<std::shared_ptr<SingleGroup>, std::shared_ptr<SingleJob>>(
          const std::string& function, const Whole& first, const SubmitOptions& options)>;

  explicit Coalescer(MakeGroup make) : make_(std::move(make)) {}

  /// A task of a group; null if this submission is to be a job of its own. That is the first one
  /// with a name or metadata: people look for the job by them, and a single one should end with its
  /// task instead of staying open for more.
  std::shared_ptr<SingleJob> submit(const std::string& function, const Whole& input,
                                    const SubmitOptions& options);
  /// Closes every group.
  void close();

 private:
  struct Line;
  void remember(Line line);

  struct Line {
    std::string function;
    Encoding encoding = Encoding::raw;
    SubmitOptions options;
    std::shared_ptr<SingleGroup> group;  ///< null: one job of its own was submitted so far
  };

  const MakeGroup make_;
  std::mutex mutex_;
  std::list<Line> lines_;  // most recently used first
};

}  // namespace quern::client
