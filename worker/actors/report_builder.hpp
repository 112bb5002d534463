// Builds the reports of one lease within the limits of the wire: payloads are appended directly to
// the batch that will be sent. One thread at a time.
#pragma once

#include <string>
#include <vector>

#include "wire/messages.hpp"

namespace quern::worker {

class ReportBuilder {
 public:
  /// Whether each task has a payload of its own, or each interval has one (a partial).
  enum class Payload { per_task, per_interval };

  ReportBuilder(wire::LeaseId lease, Payload payload) : lease_(lease), payload_(payload) {}

  /// Where the next payload is appended.
  Bytes& bytes() { return batch_.bytes(); }
  /// The last `size` bytes of bytes() are the payload of `tasks`, which must follow all previous
  /// tasks.
  void close_payload(wire::Interval tasks, std::size_t size);
  void add_error(wire::Interval tasks, ErrorCode code, std::string text);
  /// A failed task and the output that it had written. Per task only.
  void add_failure(std::uint64_t task, ErrorCode code, std::string text, Bytes output);

  /// Large enough to be worth sending now.
  bool full() const;
  bool empty() const { return batch_.empty() && errors_.empty() && sealed_.empty(); }
  /// Returns the content as reports; with `last` at least one, of which the final one is marked
  /// `last`.
  std::vector<wire::Report> take(bool last, std::uint64_t busy_us);

 private:
  void add_tasks(wire::Interval tasks);
  void split_last_payload(wire::Interval tasks, std::size_t size);
  std::uint64_t weight() const { return batch_.weight() + outputs_weight_; }
  void seal() { seal(batch_.take()); }
  void seal(wire::Batch results);

  wire::LeaseId lease_;
  Payload payload_;
  std::uint32_t next_part_ = 0;
  wire::BatchBuilder batch_;
  wire::Intervals tasks_;
  std::vector<TaskError> errors_;
  std::size_t error_bytes_ = 0;
  wire::Intervals written_;     // failed tasks with output
  std::vector<Bytes> outputs_;  // their outputs, which follow the results
  std::uint64_t outputs_weight_ = 0;
  std::vector<wire::Report> sealed_;  // complete ones, waiting for take()
};

}  // namespace quern::worker
