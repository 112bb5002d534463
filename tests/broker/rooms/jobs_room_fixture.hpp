// The room `jobs/` and what is below it, without a core: jobs are made by the test, and nothing
// schedules them or examines what has changed.
#pragma once

#include "broker/core/access/quotas.hpp"
#include "broker/core/durability/job_numbers.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/rooms/sessions_room_fixture.hpp"
#include "wire/blob.hpp"

namespace quern::broker {

class JobsRoomTest : public SessionsRoomTest {
 protected:
  static Config with_store() {
    Config config;
    config.store = true;
    return config;
  }
  static wire::JobOptions in_memory() {
    wire::JobOptions options;
    options.durability = Durability::memory;
    return options;
  }
  explicit JobsRoomTest(Config config = with_store()) : SessionsRoomTest(std::move(config)) {}

  /// A job of alice, durable unless the options say otherwise.
  Job& add(wire::JobOptions options = {}, std::string function = "echo") {
    Job& job = jobs.add(numbers.take());
    job.spec.uuid = uuid(static_cast<std::uint8_t>(value(job.number)));
    job.spec.function = std::move(function);
    job.spec.input = InputKind::items;
    job.spec.principal = "alice";
    if (options.durability == Durability::automatic) options.durability = Durability::durable;
    jobs.set_options(job, std::move(options));
    jobs.index(job);
    jobs.set_live(job, true);
    accounts.update(job);
    return job;
  }
  /// A blob that is being uploaded.
  Job& add_blob(const std::string& name, wire::JobOptions options = {}) {
    options.unique = wire::blob_key(name, options.durability == Durability::memory);
    Job& job = add(std::move(options), std::string(wire::kBlobFunction));
    job.blob.emplace(job, now);
    job.intake.open = true;
    return job;
  }
  /// The input of the job grows.
  void give(Job& job, const std::vector<std::string>& items) {
    const wire::Batch batch = batch_of(items);
    const JobChange change = changes.begin(job);
    if (job.blob) job.blob->take(batch);
    journal.add_input(job, batch);
    job.intake.bytes += batch.weight();
    job.tasks.pending.add({job.tasks.total, job.tasks.total + batch.count()});
    job.tasks.total += batch.count();
    job.intake.accepted = job.tasks.total;
  }
  /// The job produces a result of this many bytes.
  void produce(Job& job, std::size_t bytes) {
    const JobChange change = changes.begin(job);
    ResultEntry entry;
    entry.batch = batch_of({std::string(bytes, 'r')});
    journal.append_result(job, std::move(entry));
  }
  /// The job ends; a blob is complete now.
  void end(Job& job, JobState state = JobState::done) {
    const JobChange change = changes.begin(job);
    job.phase.state = state;
    job.phase.finished = now;
    job.intake.open = false;
    job.tasks.pending.clear();
    job.tasks.ended.add({0, job.tasks.total});
    jobs.set_live(job, false);
    if (job.is_complete_blob()) jobs.add_blob(job);
  }
  /// Everything that happened so far is in the store.
  void commit() {
    journal.seal();
    std::erase_if(context.effects, [&](const Effect& effect) {
      const auto* begun = std::get_if<Commit>(&effect);
      if (begun) commits.on_committed(begun->sequence);
      return begun != nullptr;
    });
  }

  Quotas quotas;
  JobNumbers numbers;
  Jobs jobs{numbers};
  Accounts accounts{context, quotas};
  Eviction eviction{context, commits, jobs, accounts};
  Journal journal{context, commits, numbers, jobs, eviction};
  JobChanges changes{accounts, journal, jobs};
};

}  // namespace quern::broker
