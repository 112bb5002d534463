// A program that keeps running and answers item after item. Owned by one thread at a time.
//
// Items are written as fast as the program takes them, answers are read as they come; both sides
// may block, so the two are polled together.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "process/pipe.hpp"
#include "quern/command.hpp"
#include "quern/worker.hpp"
#include "worker/process/command_plan.hpp"

namespace quern::worker {

class CoProcess {
 public:
  /// Starts it, after `furnish` has put the files that it needs into its folder, if that is a
  /// temporary one. Throws std::runtime_error with the reason when it cannot be started.
  CoProcess(const Command& command, Host& host,
            const std::function<void(const std::string& folder)>& furnish);
  /// Closes its input; kills it if it does not end soon.
  ~CoProcess();
  CoProcess(const CoProcess&) = delete;
  CoProcess& operator=(const CoProcess&) = delete;

  enum class State : unsigned char { well, ended };
  /// Gives it items and appends one answer for each, in their order, as long as it lives. `ended`:
  /// it has ended or had to be killed; then the last answer is the failure of the item that it was
  /// working on, and the following items have no answer.
  State answer(const std::vector<BytesView>& items, const std::function<bool()>& cancelled,
               Answers& answers);

 private:
  State exchange(const std::vector<BytesView>& items, const std::function<bool()>& cancelled,
                 Answers& answers);
  bool framed(BytesView item, std::string& into, std::string& trouble) const;
  /// Takes whole answers off the front of what was read.
  void take_answers(std::size_t wanted, Answers& answers);
  /// After all items are answered: waits until it reads again, and returns whether it wrote surplus
  /// output.
  bool wrote_more(const std::function<bool()>& cancelled);
  void keep_error_output();
  std::string why_it_ended();

  ProgramMark mark_;  // first, so that left-over processes are searched for after everything else
                      // was destroyed
  Command::Frame frame_;
  std::chrono::milliseconds timeout_;
  std::uint64_t memory_;
  Workplace place_;
  process::Pipe in_, out_, err_;
  Child child_;
  std::string read_;
  std::size_t taken_ = 0;  // of read_
  std::string error_tail_;
};

}  // namespace quern::worker
