// One job: an index space, and what is known about its tasks as sets of intervals. There is no
// object per task. job_parts.hpp defines the parts and names the owner of each.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/jobs/blob.hpp"
#include "broker/core/jobs/job_parts.hpp"
#include "wire/reducer.hpp"

namespace quern::broker {

struct Job {
  Job() = default;
  Job(const Job&) = delete;  // others refer to it by its address
  Job& operator=(const Job&) = delete;

  JobNumber number{};
  JobSpec spec;
  JobOwner owner;
  JobPhase phase;
  JobIntake intake;
  JobTasks tasks;
  JobAttempts attempts;
  JobOutput output;
  JobRun run;
  JobEffort effort;
  JobBooks books;
  JobCommits commits;
  std::vector<Follower> followers;
  Box<Blob> blob;  ///< of a job that is a blob

  double weight() const { return std::min(spec.options->weight, owner.weight_max); }
  /// The work of one task in units of the function's rate: of the average task, and of a given one.
  double unit() const {
    if (!intake.costs->empty()) return intake.costs->mean();
    return spec.options->cost > 0 ? spec.options->cost : 1;
  }
  double work_of(const wire::Intervals& several) const {
    if (intake.costs->empty()) return static_cast<double>(wire::size(several)) * unit();
    double sum = 0;
    for (const auto& some : several)
      for (std::uint64_t task = some.begin; task < some.end; ++task) sum += work_of(task);
    return sum;
  }
  double work_of(std::uint64_t task) const {
    return task < intake.costs->size() ? intake.costs->of(task) : unit();
  }
  bool is_blob() const { return static_cast<bool>(blob); }
  bool is_complete_blob() const { return blob && blob->is_complete(); }
  /// Whether workers run its tasks. The chunks of a blob are only fetched.
  bool is_run() const { return !is_blob(); }
  /// Whether it is in the lists of jobs. People look for what they started, not for its files.
  bool is_listed() const { return !is_blob(); }
  bool durable() const { return spec.options->durability == Durability::durable; }
  bool final() const { return is_final(phase.state); }
  /// The job cannot continue: settle() ends it.
  void fail(ErrorCode code, std::string why) {
    phase.failure = code;
    phase.set_reason(std::move(why));
  }
  bool has_failed() const { return phase.failure != ErrorCode::none; }
  /// No more input comes although the client did not close the job, so the input is incomplete and
  /// must not be compared with another one.
  void cut_input() {
    if (intake.open && intake.keyed->print.items != 0) intake.keyed.edit().print.items = 0;
    intake.open = false;
  }
  /// Measures the pace, at most once per second.
  void take_pace(wire::Time now) {
    constexpr double kRecent = 0.5;  // the weight of the last second in the recent rate
    if (now - effort.since < std::chrono::seconds(1)) return;
    const double s = std::chrono::duration<double>(now - effort.since).count();
    effort.since = now;
    if (tasks.done == 0 && effort.work_done <= 0) return;
    Pace& at = effort.pace.edit();
    at.rate = static_cast<double>(tasks.done - at.done) / s;
    const double work = (effort.work_done - at.work) / s;
    at.recent_work = at.recent_work > 0 ? at.recent_work + kRecent * (work - at.recent_work) : work;
    at.work = effort.work_done;
    at.done = tasks.done;
  }
  /// The last remaining partial waits for the function's finish step.
  bool wants_finish() const {
    return output.partials && !output.finishing && !output.value && run.decision->finish &&
           all_ended() && tasks.failed() + tasks.cancelled == 0 && output.partials->out() == 0 &&
           output.partials->count() == 1;
  }
  /// Partials may wait for a worker to merge them (unless too few are neighbours), or the last one
  /// for its finish step.
  bool wants_merge() const {
    if (!output.partials || output.finishing) return false;
    const std::size_t here = output.partials->count() - output.partials->out();
    return wants_finish() || (here >= (all_ended() ? 2 : Partials::kMergeFrom) &&
                              !wire::builtin_reducer(run.decision->reduce));
  }
  /// The job may want a lease: tasks are pending, or partials wait for a merge or the finish step.
  bool wants_leases() const {
    return !final() && !has_failed() && run.decision && !phase.winding_down && !phase.paused &&
           !phase.hold.any() && !phase.nesting.crowded && (!tasks.pending.empty() || wants_merge());
  }
  /// Within a principal and a priority, deeper jobs go first, whatever they have received: tasks of
  /// the others wait for them.
  double queue_key() const {
    constexpr double kDeeperFirst = 1e9;  // more slot-seconds than any job has received
    return run.used + run.expected_s / weight() - kDeeperFirst * phase.nesting.depth;
  }
  /// Whether the job takes its turns in the fair queue; not if a plan assigns its tasks.
  bool wants_to_queue() const { return wants_leases() && !run.planning && run.planned == 0; }
  bool all_ended() const { return !intake.open && tasks.ended.size() == tasks.total; }
  std::uint64_t backing() const {
    std::uint64_t n = 0;
    for (const auto& [due, some] : *tasks.backing_off) n += some.size();
    return n;
  }
  /// Whether workers receive COMMON for it.
  bool has_common() const {
    return spec.common || !spec.options->blobs.empty() || !spec.options->metadata.empty();
  }
  /// When it must have ended.
  std::optional<wire::Time> deadline() const {
    if (spec.options->deadline_ms == 0) return std::nullopt;
    return phase.submitted + std::chrono::milliseconds(spec.options->deadline_ms);
  }
  bool has_payloads() const {
    return spec.input != InputKind::range || (run.decision && run.decision->takes == Takes::whole);
  }
  /// How many of `some` of its tasks, and of the `held` bytes that it has in memory, count against
  /// the quota of its principal.
  std::uint64_t charged_tasks(std::uint64_t some) const { return is_run() ? some : 0; }
  std::uint64_t charged_bytes(std::uint64_t held) const {
    return blob ? blob->charged_bytes(held) : held;
  }
  /// What it holds in memory.
  std::uint64_t bytes() const {
    return intake.payloads.bytes() + output.results.bytes() +
           (output.partials ? output.partials->bytes() : 0) +
           (output.value ? output.value->size() : 0) + (spec.common ? spec.common->size() : 0) +
           intake.costs->bytes();
  }
};

// Together with its map node, a job just fits into a block of 1 KiB, and the next larger block size
// of allocators is 1.25 KiB: with a million waiting jobs, 8 more bytes would cost 256 MB. What only
// few jobs have belongs into a Lazy or a Box.
static_assert(sizeof(Job) <= 984, "a queued job has outgrown its block of memory");

}  // namespace quern::broker
