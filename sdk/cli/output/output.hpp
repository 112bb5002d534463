// Standard output, written by a thread of its own: whatever has been appended while the last write
// was under way goes out in one write. So a slow trickle is seen at once and a flood costs one
// system call per megabyte, without a timer. append() belongs to one thread at a time.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "cli/output/console.hpp"
#include "cli/output/standard_output.hpp"

namespace quern::cli {

class Output {
 public:
  /// `console`: whose status line has to make room where both are on one terminal; it must outlive
  /// this.
  explicit Output(Console* console = nullptr);
  /// Writes what is left.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  enum class State : unsigned char { open, reader_gone, broken };

  /// False when nothing can be written any more: the reader went away, or the disk is full. Waits
  /// while a megabyte is unwritten.
  bool append(std::string_view text);
  /// Waits until everything is written; tells whether it was.
  State flush();
  /// The reason, when broken.
  std::string error() const;

 private:
  void write_out();

  mutable std::mutex mutex_;
  std::condition_variable wake_writer_;
  std::condition_variable wake_owner_;
  Console* console_;
  std::string pending_;
  bool writing_ = false;
  bool closing_ = false;
  State state_ = State::open;
  int error_ = 0;
  std::thread writer_;
};

}  // namespace quern::cli
