// Merging the outputs of `quern map --pipe`: neighbouring outputs are given together to a program,
// whose outputs are merged in turn, until one is left. The program must not mind how they are
// grouped (awk '{n += $1} END {print n}' does not). One thread.
#pragma once

#include <functional>
#include <optional>

#include "quern/client.hpp"
#include "quern/command.hpp"

namespace quern::cli {

class Merge {
 public:
  using Next = std::function<std::optional<Bytes>()>;

  /// `on_job` is called with each job that is submitted.
  Merge(Client& client, const Command& reducer, SubmitOptions options,
        std::function<void(const Job&)> on_job);

  /// Merges all outputs that `next` gives, in order, into one; nothing if there are none. If a
  /// program failed, its result.
  std::optional<CommandResult> run(const Next& next);

 private:
  /// Submits a job that merges the given outputs, and gives its outputs.
  Next merged(Bytes first, std::optional<Bytes> second, Next rest);

  Client& client_;
  SubmitOptions options_;
  std::function<void(const Job&)> on_job_;
};

}  // namespace quern::cli
