#include "sim/memory_store.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace quern::sim {

using namespace broker;

namespace {

/// As the constraints of the tables of a real store.
void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "the store refuses this for ever: %s\n", what);
  std::abort();
}

}  // namespace

Recovered MemoryStore::recover() {
  Recovered out;
  out.incarnation = ++incarnation_;
  out.numbers_below = numbers_below_;
  for (const auto& [number, kept] : jobs_) {
    RecoveredJob job{kept.birth, kept.progress, {}, {}, {}, {}};
    job.age = age;
    for (const auto& [first, batch] : kept.inputs) {
      const auto costs = kept.costs.find(first);
      job.inputs.push_back({first, batch.count(), batch.weight(),
                            costs == kept.costs.end() ? std::vector<float>{} : costs->second});
    }
    for (const auto& [seq, entry] : kept.results) {
      job.results.push_back({seq, entry, entry.batch.weight()});
      job.results.back().entry.sequence = 0;
      job.results.back().entry.batch = {};
    }
    for (const auto& [first, partial] : kept.partials) job.partials.push_back(partial);
    out.numbers_below = std::max(out.numbers_below, value(kept.birth.number) + 1);
    out.jobs.push_back(std::move(job));
  }
  for (const auto& [id, record] : schedules_) out.schedules.push_back(record);
  return out;
}

void MemoryStore::apply(const StoreOps& ops) {
  if (!trouble.empty()) throw StoreError(StoreError::Kind::trouble, trouble);
  for (const auto& op : ops) apply_one(op);
}

void MemoryStore::apply_one(const StoreOp& op) {
  if (const auto* add = std::get_if<AddJob>(&op)) {
    require(uuids_.insert(add->birth.uuid).second, "a UUID of a job is used twice");
    require(jobs_.try_emplace(add->birth.number).second, "a number of a job is used twice");
    jobs_[add->birth.number].birth = add->birth;
  } else if (const auto* progress = std::get_if<JobProgress>(&op)) {
    if (auto it = jobs_.find(progress->job); it != jobs_.end()) it->second.progress = *progress;
  } else if (const auto* input = std::get_if<AddInput>(&op)) {
    require(jobs_.at(input->job).inputs.emplace(input->first, input->batch).second,
            "a task has two inputs");
    if (!input->costs.empty()) jobs_.at(input->job).costs[input->first] = input->costs;
  } else if (const auto* drop = std::get_if<DropInput>(&op)) {
    auto& inputs = jobs_.at(drop->job).inputs;
    for (auto it = inputs.lower_bound(drop->tasks.begin);
         it != inputs.end() && it->first + it->second.count() <= drop->tasks.end;)
      it = inputs.erase(it);
  } else if (const auto* all = std::get_if<DropInputs>(&op)) {
    jobs_.at(all->job).inputs.clear();
  } else if (const auto* result = std::get_if<PutResult>(&op)) {
    jobs_.at(result->job).results[result->seq] = result->entry;
  } else if (const auto* errors = std::get_if<PutErrors>(&op)) {
    jobs_.at(errors->job).results.at(errors->seq).errors = errors->errors;
  } else if (const auto* gone = std::get_if<DropResults>(&op)) {
    auto& results = jobs_.at(gone->job).results;
    results.erase(results.begin(), results.lower_bound(gone->to));
  } else if (const auto* partial = std::get_if<PutPartial>(&op)) {
    auto& partials = jobs_.at(partial->job).partials;
    partials.erase(partials.lower_bound(partial->tasks.begin),
                   partials.lower_bound(partial->tasks.end));
    partials[partial->tasks.begin] = {partial->tasks, partial->value};
  } else if (const auto* parts = std::get_if<DropPartials>(&op)) {
    jobs_.at(parts->job).partials.clear();
  } else if (const auto* job = std::get_if<DropJob>(&op)) {
    if (const auto it = jobs_.find(job->job); it != jobs_.end()) {
      uuids_.erase(it->second.birth.uuid);
      jobs_.erase(it);
    }
  } else if (const auto* reserve = std::get_if<ReserveNumbers>(&op)) {
    numbers_below_ = reserve->below;
  } else if (const auto* put = std::get_if<PutSchedule>(&op)) {
    schedules_[put->record.id] = put->record;
  } else if (const auto* save = std::get_if<SaveSchedule>(&op)) {
    schedules_.at(save->id).progress = save->progress;
  } else if (const auto* remove = std::get_if<DropSchedule>(&op)) {
    schedules_.erase(remove->id);
  }
}

wire::Batch MemoryStore::load(JobNumber job, wire::Interval tasks) {
  wire::BatchBuilder builder;
  const auto& inputs = jobs_.at(job).inputs;
  for (auto it = inputs.lower_bound(tasks.begin); it != inputs.end() && it->first < tasks.end; ++it)
    for (wire::BatchReader reader(it->second); !reader.at_end();) builder.add(reader.next());
  return builder.take();
}

wire::Batch MemoryStore::load_result(JobNumber job, std::uint64_t seq) {
  return jobs_.at(job).results.at(seq).batch;
}

}  // namespace quern::sim
