// The Task that a function sees during one call, and where the inputs of a lease come from.
#pragma once

#include "quern/worker.hpp"
#include "wire/number.hpp"
#include "worker/actors/nested_submit.hpp"
#include "worker/actors/run.hpp"

namespace quern::worker {

/// Inputs of a lease's tasks in ascending order: its payloads, or the indices as integer values.
class Inputs {
 public:
  explicit Inputs(const wire::Lease& lease) : lease_(lease), reader_(lease.batch) {}

  /// Valid until the next call. Tasks must be requested in the order of the lease, without gaps.
  BytesView next(std::uint64_t task) {
    if (!lease_.indexed) return reader_.next();
    integer_ = wire::bytes_of(wire::Int128(lease_.base) + wire::Int128(task));
    return integer_;
  }
  Encoding encoding() const { return lease_.indexed ? Encoding::value : lease_.encoding; }

 private:
  const wire::Lease& lease_;
  wire::BatchReader reader_;
  Bytes integer_;
};

class Call final : public Task {
 public:
  Call(Run& run, Encoding encoding) : run_(run), encoding_(encoding) {}

  void set_item(std::uint64_t index, BytesView input) {
    index_ = index;
    input_ = input;
  }
  void set_range(wire::Interval tasks) {
    index_ = tasks.begin;
    // Unsigned, because base and index may each be large; the codec has checked that the sum fits.
    const auto base = static_cast<std::uint64_t>(run_.lease.base);
    range_ = {static_cast<std::int64_t>(base + tasks.begin),
              static_cast<std::int64_t>(base + tasks.end)};
  }

  BytesView input() const override { return input_; }
  Encoding encoding() const override { return encoding_; }
  Range range() const override { return range_; }
  BytesView common() const override { return run_.common.bytes.view(); }
  std::shared_ptr<const void> common_owner() const override { return run_.common.bytes.owner(); }
  std::uint64_t index() const override { return index_; }
  std::uint32_t attempt() const override { return run_.lease.attempt; }
  bool cancelled() const override { return run_.cancelled(); }
  JobNumber job() const override { return run_.lease.number; }
  const Metadata& metadata() const override {
    return run_.common.metadata ? *run_.common.metadata : Task::metadata();
  }
  NestedJob submit(std::string function, Input input, SubmitOptions options) override {
    if (!run_.lease.nested)
      throw SubmitError(ErrorCode::denied, "tasks of job " +
                                               std::to_string(value(run_.lease.number)) +
                                               " may not submit jobs: submit it with --nested "
                                               "(SubmitOptions::nested)");
    wire::Submit submit = nested_submit(std::move(function), std::move(input), std::move(options));
    submit.task = index_;
    return run_.children.submit(std::move(submit));
  }
  void log(std::string_view line) override { run_.notes.log(index_, line, Clock::now()); }
  void progress(double done, std::string_view doing) override {
    run_.notes.progress(index_, done, doing, Clock::now());
  }

 private:
  Run& run_;
  Encoding encoding_;
  BytesView input_;
  Range range_;
  std::uint64_t index_ = 0;
};

}  // namespace quern::worker
