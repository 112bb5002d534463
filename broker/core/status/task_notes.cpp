#include "broker/core/status/task_notes.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace quern::broker {
namespace {

std::size_t weight_of(const TaskNote& note) {
  return 96 + note.text.size() + note.worker.size();  // with what its container needs
}

}  // namespace

void TaskNotes::on_notes(const Session& session, wire::Notes&& notes, Time now) {
  const Lease* lease = leases_.find(notes.lease);
  if (!lease || lease->worker != session.id) return;
  OfJob& of = jobs_[value(lease->job)];
  if (of.lines.empty() && of.progress.empty())
    of.place = recent_.insert(recent_.begin(), lease->job);
  else
    recent_.splice(recent_.begin(), recent_, of.place);
  const std::string& worker = workers_.at(lease->worker).name;
  for (TaskNote& note : notes.notes) {
    if (!lease->open.contains({note.task, note.task + 1})) continue;
    note.worker = worker;
    note.age_us = 0;
    note.progress = std::min(note.progress, 1.0);
    add(of, {std::move(note), now});
  }
  while (bytes_ > kBytesMost) {
    const JobNumber oldest = recent_.back();
    OfJob& loses = jobs_.at(value(oldest));
    if (oldest == lease->job) {
      // Only this job is left: a bound per job does not help if its texts are long.
      loses.lines.empty() ? drop_progress(loses, loses.progress.begin()) : drop_line(loses);
      continue;
    }
    bytes_ -= loses.bytes;
    recent_.pop_back();
    jobs_.erase(value(oldest));
  }
  if (of.lines.empty() && of.progress.empty()) {
    recent_.erase(of.place);
    jobs_.erase(value(lease->job));
  }
}

void TaskNotes::add(OfJob& of, Kept kept) {
  const std::size_t weight = weight_of(kept.note);
  of.bytes += weight;
  bytes_ += weight;
  if (kept.note.progress < 0) {
    of.lines.push_back(std::move(kept));
    if (of.lines.size() > kLinesMost) drop_line(of);
    return;
  }
  const std::uint64_t task = kept.note.task;
  if (const auto before = of.progress.find(task); before != of.progress.end())
    drop_progress(of, before);
  of.progress.emplace(task, std::move(kept));
  if (of.progress.size() > kProgressMost) {
    const auto oldest =
        std::min_element(of.progress.begin(), of.progress.end(),
                         [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
    drop_progress(of, oldest);
  }
}

void TaskNotes::drop_line(OfJob& of) {
  subtract(of, of.lines.front());
  of.lines.pop_front();
}

void TaskNotes::drop_progress(OfJob& of, std::map<std::uint64_t, Kept>::iterator at) {
  subtract(of, at->second);
  of.progress.erase(at);
}

void TaskNotes::subtract(OfJob& of, const Kept& kept) {
  of.bytes -= weight_of(kept.note);
  bytes_ -= weight_of(kept.note);
}

std::vector<TaskNote> TaskNotes::of(const Job& job, std::size_t bytes_most, Time now) const {
  const auto at = jobs_.find(value(job.number));
  if (at == jobs_.end()) return {};
  std::size_t bytes = 0;
  const auto fits = [&](const Kept& kept) {
    bytes += weight_of(kept.note);
    return bytes <= bytes_most;
  };
  const auto shown = [now](const Kept& kept) {
    TaskNote note = kept.note;
    note.age_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - kept.at).count());
    return note;
  };
  const OfJob& of = at->second;
  auto first = of.lines.end();
  while (first != of.lines.begin() && fits(*std::prev(first))) --first;
  std::vector<TaskNote> notes;
  for (; first != of.lines.end(); ++first) notes.push_back(shown(*first));
  for (const auto& [task, kept] : of.progress)
    if (!job.final() && !job.tasks.ended.contains({task, task + 1}) && fits(kept))
      notes.push_back(shown(kept));
  return notes;
}

}  // namespace quern::broker
