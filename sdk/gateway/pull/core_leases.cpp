#include "gateway/pull/core_leases.hpp"

#include <algorithm>
#include <utility>

namespace quern::gateway::pull {
namespace {

// What one report may hold; the limits of the protocol are higher.
constexpr std::size_t kReportIntervals = 4000;
constexpr std::size_t kReportErrors = 1000;
constexpr std::size_t kReportTexts = 64u << 10;
// Of the header of HELLO, for held leases.
constexpr std::uint64_t kHeldBytes = 128u << 10;
// The weight of the newest lease in the usual size.
constexpr double kNewest = 0.3;

bool continues(const TaskError& error, const TaskError& next) {
  return error.first + error.count == next.first && error.code == next.code &&
         error.text == next.text;
}

void append(wire::Intervals& tasks, std::uint64_t task) {
  if (!tasks.empty() && tasks.back().end == task)
    ++tasks.back().end;
  else
    tasks.push_back({task, task + 1});
}

}  // namespace

HeldLease::HeldLease(wire::Lease lease)
    : granted(std::move(lease)), open(granted.tasks), unpulled(granted.tasks) {
  if (granted.batch.sizes.is_uniform()) return;
  offsets_.reserve(granted.batch.count() + 1);
  std::uint64_t offset = 0;
  for (std::uint64_t i = 0; i < granted.batch.count(); ++i) {
    offsets_.push_back(offset);
    offset += granted.batch.sizes.at(i);
  }
  offsets_.push_back(offset);
}

std::uint64_t HeldLease::place_of(std::uint64_t task) const {
  std::uint64_t place = 0;
  for (const auto& interval : granted.tasks) {
    if (interval.contains(task)) return place + task - interval.begin;
    place += interval.size();
  }
  return place;
}

Portion HeldLease::portion(wire::Interval tasks, std::optional<wire::Buffer> common) const {
  Portion portion{.job = granted.number,
                  .uuid = granted.job,
                  .function = granted.function,
                  .attempt = granted.attempt,
                  .encoding = granted.encoding,
                  .tasks = tasks,
                  .indexed = granted.indexed,
                  .base = granted.base};
  portion.common = std::move(common);
  if (granted.indexed) {
    portion.encoding = Encoding::value;
    return portion;
  }
  const std::uint64_t first = place_of(tasks.begin), last = first + tasks.size();
  const std::uint64_t each = granted.batch.sizes.uniform_size();
  const std::uint64_t begin = offsets_.empty() ? first * each : offsets_[first];
  const std::uint64_t end = offsets_.empty() ? last * each : offsets_[last];
  portion.batch.sizes = granted.batch.sizes.slice(first, last);
  portion.batch.bytes = granted.batch.bytes.slice(begin, end - begin);
  return portion;
}

wire::Intervals HeldLease::cut(std::uint64_t want) {
  wire::Intervals all = unpulled.list(), taken;
  while (want > 0 && !all.empty()) {
    wire::Interval last = all.back();
    all.pop_back();
    last.begin = last.end - std::min(want, last.size());
    want -= last.size();
    unpulled.remove(last);
    open.remove(last);
    taken.push_back(last);
  }
  std::reverse(taken.begin(), taken.end());
  return taken;
}

std::uint64_t HeldLease::bytes_of(std::uint64_t task) const {
  return granted.indexed ? 0 : granted.batch.sizes.at(place_of(task));
}

bool HeldLease::name(BatchId batch) {
  if (std::find(named.rbegin(), named.rend(), batch) != named.rend()) return false;
  named.push_back(batch);
  return true;
}

bool HeldLease::collect(std::uint64_t task, Bytes result, BatchId batch) {
  results.emplace_back(task, std::move(result));
  return name(batch);
}

bool HeldLease::collect(const TaskError& error, BatchId batch) {
  if (!errors.empty() && continues(errors.back(), error))
    errors.back().count += error.count;
  else
    errors.push_back(error);
  return name(batch);
}

std::vector<wire::Report> HeldLease::take_reports(Time now) {
  std::vector<wire::Report> reports;
  if (finished || (!has_news() && !is_through())) return reports;
  const auto new_report = [&]() -> wire::Report& {
    reports.emplace_back();
    reports.back().id = {granted.lease, next_part++};
    return reports.back();
  };
  const auto by_task = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(results.begin(), results.end(), by_task))
    std::sort(results.begin(), results.end(), by_task);
  std::sort(errors.begin(), errors.end(),
            [](const TaskError& a, const TaskError& b) { return a.first < b.first; });
  wire::Report* report = &new_report();
  wire::BatchBuilder builder;
  for (const auto& [task, result] : results) {
    if (!builder.empty() &&
        (builder.weight() + result.size() + 8 > wire::kBatchBytesMax / 2 ||
         builder.count() == wire::kBatchTasksMax / 2 || report->tasks.size() == kReportIntervals)) {
      report->batch = builder.take();
      report = &new_report();
    }
    append(report->tasks, task);
    builder.add(result);
  }
  report->batch = builder.take();
  std::size_t texts = 0;
  for (auto& error : errors) {
    if (!report->errors.empty() && continues(report->errors.back(), error)) {
      report->errors.back().count += error.count;
      continue;
    }
    if (texts + error.text.size() > kReportTexts || report->errors.size() == kReportErrors) {
      report = &new_report();
      texts = 0;
    }
    texts += error.text.size();
    report->errors.push_back(std::move(error));
  }
  results.clear();
  errors.clear();
  // Tasks of several clients may have run on this slot at the same time: it was busy once.
  report->busy_us =
      busy_since ? static_cast<std::uint64_t>(
                       std::chrono::microseconds(
                           std::chrono::duration_cast<std::chrono::microseconds>(now - *busy_since))
                           .count())
                 : 0;
  if (busy_since) busy_since = now;
  report->last = finished = is_through();
  return reports;
}

HeldLease* LeaseBook::add(wire::Lease lease, Time now) {
  const wire::LeaseId id = lease.lease;
  const auto [at, fresh] = leases_.try_emplace(id, std::move(lease));
  if (!fresh) return nullptr;
  at->second.idle_since = now;
  const auto size = static_cast<double>(at->second.open.size());
  usual_size_ += kNewest * (size - usual_size_);
  with_unpulled_.insert(id);
  return &at->second;
}

HeldLease* LeaseBook::find(const wire::LeaseId& id) {
  const auto at = leases_.find(id);
  return at == leases_.end() ? nullptr : &at->second;
}

void LeaseBook::erase(const wire::LeaseId& id) {
  if (HeldLease* lease = find(id)) unlock(*lease, lease->locked);
  leases_.erase(id);
  with_unpulled_.erase(id);
}

void LeaseBook::note_unpulled(const wire::LeaseId& id) {
  const HeldLease* lease = find(id);
  if (lease && !lease->unpulled.empty())
    with_unpulled_.insert(id);
  else
    with_unpulled_.erase(id);
}

void LeaseBook::lock(HeldLease& lease, std::uint64_t tasks) {
  if (tasks > 0 && lease.locked == 0) ++locked_;
  lease.locked += tasks;
}

void LeaseBook::unlock(HeldLease& lease, std::uint64_t tasks) {
  lease.locked -= tasks;
  if (tasks > 0 && lease.locked == 0) --locked_;
}

std::vector<wire::HeldLease> LeaseBook::list(std::vector<wire::LeaseId>& let_go) const {
  std::vector<wire::HeldLease> out;
  std::uint64_t bytes = 0;
  // What nobody has pulled is the least loss.
  for (const bool begun : {true, false}) {
    for (const auto& [id, lease] : leases_) {
      if ((lease.finished || lease.locked > 0) != begun) continue;
      bytes += 100 + 20 * lease.open.fragments();  // an upper bound of its msgpack form
      if (bytes > kHeldBytes)
        let_go.push_back(id);
      else
        out.push_back({id, lease.granted.job, lease.open.list(), lease.finished, lease.granted.kind,
                       lease.granted.attempt});
    }
  }
  return out;
}

}  // namespace quern::gateway::pull
