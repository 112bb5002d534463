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

  std::shared_ptr<SingleJob> submit(const std::string& function, const Whole& input,
                                    const SubmitOptions& options);
  /// Closes every group.
  void close();

 private:
  struct Line {
    std::string function;
    Encoding encoding = Encoding::raw;
    SubmitOptions options;
    std::shared_ptr<SingleGroup> group;
  };

  const MakeGroup make_;
  std::mutex mutex_;
  std::list<Line> lines_;  // most recently used first
};

}  // namespace quern::client
