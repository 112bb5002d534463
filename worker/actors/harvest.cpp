#include "worker/actors/harvest.hpp"

#include "wire/number.hpp"

namespace quern::worker {
namespace {

ReportBuilder::Payload payload_of(const wire::Lease& lease, bool reduced) {
  const bool whole = lease.kind == wire::LeaseKind::merge || lease.kind == wire::LeaseKind::finish;
  return whole || reduced ? ReportBuilder::Payload::per_interval : ReportBuilder::Payload::per_task;
}

}  // namespace

Harvest::Harvest(const wire::Lease& lease, std::optional<Reducer> reducer, Encoding results)
    : reports_(lease.lease, payload_of(lease, reducer.has_value())),
      encoding_(results),
      counts_tasks_(lease.kind == wire::LeaseKind::range) {
  if (reducer) folder_.emplace(std::move(*reducer));
}

Bytes& Harvest::begin_result() {
  if (folder_) {
    scratch_.clear();
    return scratch_;
  }
  mark_ = reports_.bytes().size();
  return reports_.bytes();
}

void Harvest::discard_result() {
  if (!folder_) reports_.bytes().resize(mark_);
}

void Harvest::end_result(wire::Interval tasks) {
  if (folder_) return fold_in(tasks);
  // A function that shortened the batch has violated its contract; its result becomes empty, the
  // others are kept.
  if (reports_.bytes().size() < mark_) reports_.bytes().resize(mark_);
  reports_.close_payload(tasks, reports_.bytes().size() - mark_);
}

void Harvest::add_whole(wire::Interval tasks, BytesView value) {
  reports_.bytes().append(value);
  reports_.close_payload(tasks, value.size());
}

void Harvest::add_error(wire::Interval tasks, ErrorCode code, const std::string& text) {
  break_partial();
  reports_.add_error(tasks, code, text);
}

void Harvest::add_failure(std::uint64_t task, ErrorCode code, const std::string& text,
                          const Bytes& output) {
  if (folder_) return add_error({task, task + 1}, code, text);
  reports_.add_failure(task, code, text, output);
}

// Makes scratch_ a partial of `tasks`; returns why it cannot be one.
std::optional<std::string> Harvest::begin_partial(wire::Interval tasks) {
  const auto builtin = folder_->reducer().builtin();
  if (!builtin) return std::nullopt;
  if (counts_tasks_ && *builtin == wire::Builtin::count) {
    scratch_ = wire::bytes_of(wire::Int128(tasks.size()));
    return std::nullopt;
  }
  // A range function's own sum may need more than 64 bits, like any partial sum.
  if (counts_tasks_ && *builtin == wire::Builtin::sum && encoding_ == Encoding::value &&
      wire::is_wide(scratch_))
    return std::nullopt;
  if (auto error = wire::begin_partial(*builtin, encoding_, scratch_)) return error->text;
  return std::nullopt;
}

void Harvest::fold_in(wire::Interval tasks) {
  if (auto error = begin_partial(tasks)) return add_error(tasks, ErrorCode::failed, *error);
  if (!folder_->empty() && folded_.end != tasks.begin) break_partial();
  if (folder_->empty()) folded_ = {tasks.begin, tasks.begin};
  folded_.end = tasks.end;
  try {
    folder_->add(std::move(scratch_));
  } catch (const Permanent& error) {
    fail_fold(ErrorCode::permanent, error.what());
  } catch (const std::exception& error) {
    fail_fold(ErrorCode::failed, error.what());
  }
  scratch_.clear();
}

void Harvest::break_partial() {
  if (!folder_ || folder_->empty()) return;
  try {
    add_whole(folded_, folder_->take());
  } catch (const Permanent& error) {
    fail_fold(ErrorCode::permanent, error.what());
  } catch (const std::exception& error) {
    fail_fold(ErrorCode::failed, error.what());
  }
}

void Harvest::fail_fold(ErrorCode code, const std::string& text) {
  folder_->clear();
  reports_.add_error(folded_, code, text);
}

std::vector<wire::Report> Harvest::take(bool last, std::uint64_t busy_us) {
  if (last) break_partial();
  return reports_.take(last, busy_us);
}

}  // namespace quern::worker
