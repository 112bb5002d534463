// The command line of `quern run` as input and options of a job.
#pragma once

#include <optional>
#include <string>

#include "cli/output/result_printer.hpp"
#include "cli/request/command_files.hpp"
#include "cli/syntax/subcommand.hpp"
#include "quern/input.hpp"
#include "quern/options.hpp"

namespace quern::cli {

enum class Order : unsigned char { input, completion };

struct RunRequest {
  std::string function;
  bool of_range = false;  ///< the input is a range
  Input input;
  SubmitOptions submit;
  std::optional<Command> program;  ///< with --load: the program that calls the function
  LargeFiles large;                ///< of it
  ClientOptions client;
  Order order = Order::input;
  Format format = Format::text;
};

/// Reads the command line and opens the files it names. nullopt when help was printed. Throws
/// UsageError, FileError.
std::optional<RunRequest> run_request(const Arguments& arguments);

/// "A:B" as a range; throws UsageError.
Range range_of(const std::string& text);

}  // namespace quern::cli
