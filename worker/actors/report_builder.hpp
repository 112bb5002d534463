// Builds the reports of one lease within the limits of the wire: payloads are appended straight
// into the batch that will be sent. One thread at a time.
#pragma once

#include <string>
#include <vector>

#include "wire/messages.hpp"

namespace quern::worker {

class ReportBuilder {
 public:
  /// What a payload stands for: each task has its own, or each interval has one (a partial).
  enum class Payload { per_task, per_interval };

  ReportBuilder(wire::LeaseId lease, Payload payload) : lease_(lease), payload_(payload) {}

  /// Where the next payload is appended.
  Bytes& bytes() { return batch_.bytes(); }
  /// The last `size` octets of bytes() are the payload of `tasks`, which come after all before.
  void close_payload(wire::Interval tasks, std::size_t size);
  void add_error(wire::Interval tasks, ErrorCode code, std::string text);
  /// A task that failed, and what it had written by then. Per task only.
  void add_failure(std::uint64_t task, ErrorCode code, std::string text, Bytes output);

  /// Large enough to be worth sending now.
  bool full() const;
  bool empty() const { return batch_.empty() && errors_.empty() && sealed_.empty(); }
  /// Hands over what there is, as one or more reports; with `last` at least one, and the last one
  /// marked so.
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
  std::vector<Bytes> outputs_;  // theirs: they go behind the results
  std::uint64_t outputs_weight_ = 0;
  std::vector<wire::Report> sealed_;  // complete ones, waiting for take()
};

}  // namespace quern::worker
