// A file of lines that processes append to and that survives when they are killed.
#pragma once

#include <string>

namespace quern::chaos {

/// One write per line: each line is complete or absent, whenever the writer is killed.
class Journal {
 public:
  explicit Journal(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void say(std::string line);

 private:
  int fd_;
};

}  // namespace quern::chaos
