// The standard input of a command of `quern run exec`: a small one is part of the command, a large
// one is uploaded by its hash, as a file. One thread.
#pragma once

#include <string>

#include "cli/output/console.hpp"
#include "quern/bytes.hpp"

namespace quern::cli {

class CommandInput {
 public:
  /// Reads it to its end. `file`: of --stdin ("-": standard input of quern); empty: standard input
  /// of quern, if it is a pipe, a socket or a file, but not a terminal or /dev/null. Prints a note
  /// if nothing arrives. Throws FileError.
  CommandInput(const std::string& file, Console& console);
  ~CommandInput();
  CommandInput(const CommandInput&) = delete;
  CommandInput& operator=(const CommandInput&) = delete;

  bool given() const { return given_; }
  const Bytes& bytes() const { return bytes_; }
  /// A file that contains it, if it is too large for bytes(); otherwise empty.
  const std::string& large() const { return large_; }

 private:
  void read_all(int fd, const std::string& name);
  void keep_in_file(int fd, const std::string& name);

  bool given_ = false;
  Bytes bytes_;
  std::string large_;
  int opened_ = -1;
  int kept_ = -1;  // a file without a name
};

}  // namespace quern::cli
