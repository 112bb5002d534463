// The command line of `quern map` as a value.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/output/joblog.hpp"
#include "cli/request/argument_source.hpp"
#include "cli/request/command_files.hpp"
#include "cli/request/halt.hpp"
#include "cli/syntax/subcommand.hpp"
#include "quern/command.hpp"
#include "quern/options.hpp"

namespace quern::cli {

struct MapRequest {
  /// arguments: a program per item. blocks: a program per block of the input, which is its standard
  /// input. answers: a program per slot that answers item after item.
  enum class Shape : unsigned char { arguments, blocks, answers };

  Shape shape = Shape::arguments;
  ClientOptions client;
  SubmitOptions submit;
  Command command;
  Command shown;  ///< as the user wrote it, for logs
  std::optional<Command> reduce;
  LargeFiles large;  ///< of both

  std::vector<std::string>
      put_each;  ///< names, with replacement strings, of files that each command gets
  std::vector<std::string> files;  ///< of the input, when there are no lists
  std::vector<std::vector<std::string>> lists;
  std::vector<bool> linked;  ///< of each list: it is linked to the one before it
  char record_end = '\n';
  std::size_t group = 1;
  std::size_t block_bytes = 0;
  std::uint64_t at_once = 0;  ///< maximum number of commands at a time; 0: no limit
  /// The same relative to the slots that run commands, and an offset; see at_once_of().
  std::optional<double> slots_share;
  std::int64_t slots_more = 0;

  bool keep_order = false;
  bool tag = false;
  bool json = false;
  bool dry_run = false;
  bool detach = false;
  Halt halt;
  std::string joblog;
  Resume resume = Resume::no;
  std::string results;  ///< folder; empty: none

  /// Whether results must repeat the arguments of the command.
  bool wants_arguments() const {
    return tag || json || !joblog.empty() || !results.empty() || !command.get.empty();
  }
};

/// Maximum number of commands at a time, if there are this many slots.
std::uint64_t at_once_of(const MapRequest& request, std::uint64_t slots);

/// Runs it from the submission to the exit code.
Exit run_map(MapRequest request);

/// Returns nullopt if help was printed. Throws UsageError, FileError.
std::optional<MapRequest> map_request(const Arguments& arguments);

}  // namespace quern::cli
