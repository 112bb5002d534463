#include "worker/actors/report_builder.hpp"

#include <utility>

#include "wire/limits.hpp"
#include "wire/text.hpp"

namespace quern::worker {
namespace {

// A report is sent from this size on: large enough for a negligible header, and small enough to be
// sent soon.
constexpr std::size_t kFullBytes = 256u << 10;
constexpr std::uint64_t kFullTasks = wire::kBatchTasksMax / 2;
constexpr std::size_t kFullIntervals = 1000;
constexpr std::size_t kFullErrorBytes = 64u << 10;  // a quarter of the limit of a header

void add_to(wire::Intervals& list, wire::Interval tasks) {
  if (!list.empty() && list.back().end == tasks.begin)
    list.back().end = tasks.end;
  else
    list.push_back(tasks);
}

wire::Batch joined(const wire::Batch& results, const std::vector<Bytes>& outputs) {
  wire::BatchBuilder builder;
  for (wire::BatchReader reader(results); !reader.at_end();) builder.add(reader.next());
  for (const Bytes& output : outputs) builder.add(output);
  return builder.take();
}

}  // namespace

void ReportBuilder::close_payload(wire::Interval tasks, std::size_t size) {
  if (size > wire::kItemBytesMax) {
    bytes().resize(bytes().size() - size);
    add_error(tasks, ErrorCode::limit,
              "the result has " + std::to_string(size) + " bytes; the limit is " +
                  std::to_string(wire::kItemBytesMax));
    return;
  }
  batch_.close_payload(static_cast<std::uint32_t>(size));
  if (batch_.count() + outputs_.size() > 1 && weight() + 4 > wire::kBatchBytesMax)
    split_last_payload(tasks, size);
  else
    add_tasks(tasks);
  if (payload_ == Payload::per_interval && full()) seal();
}

void ReportBuilder::add_tasks(wire::Interval tasks) {
  if (payload_ == Payload::per_task)
    add_to(tasks_, tasks);
  else
    tasks_.push_back(tasks);
}

// Together they would exceed the limit of a batch, so the last payload begins another report.
void ReportBuilder::split_last_payload(wire::Interval tasks, std::size_t size) {
  wire::Batch both = batch_.take();
  const std::uint64_t before = both.count() - 1;
  const std::size_t bytes_before = both.bytes.size() - size;
  const wire::Buffer payload = both.bytes.slice(bytes_before, size);
  seal({both.sizes.slice(0, before), both.bytes.slice(0, bytes_before)});
  batch_.add(payload.view());
  add_tasks(tasks);
}

void ReportBuilder::add_error(wire::Interval tasks, ErrorCode code, std::string text) {
  text = wire::cut_utf8(wire::clean_utf8(text), wire::kTextBytesMax);
  if (!errors_.empty()) {
    TaskError& before = errors_.back();
    if (before.first + before.count == tasks.begin && before.code == code && before.text == text) {
      before.count += tasks.size();
      return;
    }
  }
  error_bytes_ += text.size() + 32;
  errors_.push_back({tasks.begin, tasks.size(), code, std::move(text)});
  if (error_bytes_ >= kFullErrorBytes) seal();
}

void ReportBuilder::add_failure(std::uint64_t task, ErrorCode code, std::string text,
                                Bytes output) {
  const wire::Interval tasks{task, task + 1};
  if (output.size() > wire::kItemBytesMax)
    return add_error(tasks, code, text + " (its output exceeds the limit of 64 MiB)");
  if (weight() + output.size() + 8 > wire::kBatchBytesMax && batch_.count() + outputs_.size() > 0)
    seal();
  add_to(written_, tasks);
  outputs_weight_ += output.size() + 4;
  outputs_.push_back(std::move(output));
  add_error(tasks, code, std::move(text));
}

bool ReportBuilder::full() const {
  return weight() >= kFullBytes || batch_.count() >= kFullTasks ||
         tasks_.size() >= kFullIntervals || written_.size() >= kFullIntervals || !sealed_.empty();
}

void ReportBuilder::seal(wire::Batch results) {
  sealed_.push_back({.id = {lease_, next_part_++},
                     .partial = payload_ == Payload::per_interval,
                     .tasks = std::exchange(tasks_, {}),
                     .errors = std::exchange(errors_, {}),
                     .written = std::exchange(written_, {}),
                     .batch = outputs_.empty() ? std::move(results) : joined(results, outputs_)});
  error_bytes_ = 0;
  outputs_.clear();
  outputs_weight_ = 0;
}

std::vector<wire::Report> ReportBuilder::take(bool last, std::uint64_t busy_us) {
  if (!batch_.empty() || !errors_.empty() || (last && sealed_.empty())) seal();
  std::vector<wire::Report> reports = std::exchange(sealed_, {});
  if (!reports.empty()) {
    reports.front().busy_us = busy_us;
    reports.back().last = last;
  }
  return reports;
}

}  // namespace quern::worker
