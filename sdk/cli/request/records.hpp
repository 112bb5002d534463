// Records of files (lines, or texts that end with NUL), one at a time or in blocks of whole
// records. Reads with read(2), so that a record of a pipe is available as soon as it was written.
// One thread.
#pragma once

#include <string>
#include <vector>

namespace quern::cli {

class Records {
 public:
  /// A file name of "-" is standard input. `end`: what ends a record. Throws FileError when a file
  /// cannot be opened.
  Records(std::vector<std::string> files, char end);
  ~Records();
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  /// The next record without its end; false after the last. Throws FileError.
  bool next(std::string& record);
  /// Whole records with their ends, about this many bytes (more if one record is longer); false
  /// after the last. A block never spans two files. Throws FileError.
  bool next_block(std::string& block, std::size_t about);

 private:
  bool open_next();
  bool read_more();

  std::vector<std::string> files_;
  std::size_t next_file_ = 0;
  int fd_ = -1;
  char end_;
  std::string text_;  // read but not yet returned: from begin_ on
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;  // there is no end of a record before this
};

}  // namespace quern::cli
