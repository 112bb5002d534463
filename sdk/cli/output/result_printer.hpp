// Results on standard output, failed tasks on standard error. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/output/console.hpp"
#include "cli/output/output.hpp"
#include "quern/job.hpp"

namespace quern::cli {

enum class Format : unsigned char { text, json };

/// How results are printed: `echo` returns its input, which is a number if the job has a range.
inline Encoding shown_encoding(const std::string& function, bool of_range, Encoding encoding) {
  return of_range && function == "echo" ? Encoding::value : encoding;
}

class ResultPrinter {
 public:
  /// `commands`: the results are those of commands (function `exec`), and their output is printed
  /// unchanged.
  ResultPrinter(Format format, Output& output, Console& console, bool commands = false)
      : format_(format), output_(output), console_(console), commands_(commands) {}

  /// One task's end. Text: a value as a line of JSON, raw bytes and a newline. False if the reader
  /// of standard output is gone.
  bool print(const TaskResult& result, Encoding encoding);
  /// The result of a reduced job; no value: nothing (text) or null (JSON).
  bool print_reduced(JobNumber number, const Outcome& outcome, const std::optional<Bytes>& value,
                     Encoding encoding);

  std::uint64_t failed() const { return failed_; }
  /// Prints how many failed tasks were not listed, if any.
  void print_rest();

 private:
  void print_error(const TaskResult& result);
  bool print_command(const TaskResult& result);

  Format format_;
  Output& output_;
  Console& console_;
  bool commands_;
  std::uint64_t failed_ = 0;
  std::string line_;  // its memory is reused
};

}  // namespace quern::cli
