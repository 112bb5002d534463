// The standard input of a command of `quern run exec`: little of it travels with the command, a lot
// by its hash, as a file. One thread.
#pragma once

#include <string>

#include "cli/output/console.hpp"
#include "quern/bytes.hpp"

namespace quern::cli {

class CommandInput {
 public:
  /// Reads it to its end. `file`: of --stdin ("-": ours, whatever that is); empty: ours, if it is a
  /// pipe, a socket or a file. Not a terminal, which is for people, and not /dev/null. Says so when
  /// it waits for one that nobody writes to. Throws FileError.
  CommandInput(const std::string& file, Console& console);
  ~CommandInput();
  CommandInput(const CommandInput&) = delete;
  CommandInput& operator=(const CommandInput&) = delete;

  bool given() const { return given_; }
  const Bytes& bytes() const { return bytes_; }
  /// A file that has it, when it is too large for bytes(); otherwise empty.
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
