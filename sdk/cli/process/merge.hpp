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

  /// `on_job` is told of each job that is made.
  Merge(Client& client, const Command& reducer, SubmitOptions options,
        std::function<void(const Job&)> on_job);

  /// What is left of all outputs that `next` gives in order; nothing when there are none. The
  /// result of the program that failed, if one did.
  std::optional<CommandResult> run(const Next& next);

 private:
  /// The outputs of a job that merges those that are given.
  Next merged(Bytes first, std::optional<Bytes> second, Next rest);

  Client& client_;
  SubmitOptions options_;
  std::function<void(const Job&)> on_job_;
};

}  // namespace quern::cli
