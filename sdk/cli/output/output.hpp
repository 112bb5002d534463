// Standard output, written by a thread of its own: everything appended during a write goes out with
// the next one. Therefore single results appear at once and a flood costs one system call per
// megabyte, without a timer. append() belongs to one thread at a time.
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
  /// `console`: its status line is moved out of the way if both are on one terminal; it must
  /// outlive this object.
  explicit Output(Console* console = nullptr);
  /// Writes what is left.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  enum class State : unsigned char { open, reader_gone, broken };

  /// False if nothing can be written any more: the reader is gone, or the disk is full. Blocks
  /// while a megabyte is unwritten.
  bool append(std::string_view text);
  /// Waits until everything is written; false if it could not be.
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
