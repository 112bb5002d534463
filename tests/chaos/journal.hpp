// A file of lines that processes append to, and that survives their being killed.
#pragma once

#include <string>

namespace quern::chaos {

/// One write per line: a line is there whole or not at all, whatever kills the writer.
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
