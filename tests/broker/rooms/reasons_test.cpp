// What a job waits for: one row per sentence.
#include "broker/core/status/reasons.hpp"

#include "broker/core/scheduling/pool.hpp"
#include "broker/rooms/jobs_room_fixture.hpp"

namespace quern::broker {
namespace {

class ReasonsTest;

struct ReasonRow {
  const char* name;
  void (*arrange)(ReasonsTest&);
  std::string reason;
};

/// A job of ten tasks. A row arranges what is around it.
class ReasonsTest : public JobsRoomTest, public ::testing::WithParamInterface<ReasonRow> {
 public:
  static std::vector<ReasonRow> rows();

 protected:
  ReasonsTest() { job.tasks.pending.add({0, job.tasks.total = 10}); }

  /// A worker that offers only this function.
  Worker& join(const std::string& function) {
    Session& session = connect();
    Worker& worker = workers.add(session);
    worker.declared.offer.functions = {{function, Takes::item, Encoding::raw, "", false, 0}};
    worker.index_functions();
    offers.add(worker);
    return worker;
  }
  /// A worker that can run the job, which has been decided.
  Worker& serve() {
    Worker& worker = join(job.spec.function);
    pool.add(worker);
    decide();
    return worker;
  }
  void decide() {
    job.run.decision = std::make_shared<const Decision>();
    job.run.pool = &pool;
  }
  template <typename Set>
  void set_options(Set set) {
    wire::JobOptions options = Jobs::options_of(job);
    set(options);
    jobs.set_options(job, options);
  }

  Offers offers;
  Workers workers{context, offers};
  EdgeTable edges{jobs};
  Reasons reasons{commits, offers, workers, jobs, eviction, edges};
  Job& job = add();
  Pool pool{Need{"echo", Takes::item, Encoding::raw, {}, {}}};
};

std::vector<ReasonRow> ReasonsTest::rows() {
  using T = ReasonsTest;
  return {
      {"blob", [](T& t) { t.job.blob.emplace(t.job, t.now); }, "the file is being received"},
      {"no_worker", [](T&) {}, "no worker is connected"},
      {"function_not_offered", [](T& t) { t.join("something else"); }, "no worker offers `echo`"},
      {"similar_function", [](T& t) { t.join("ecko"); },
       "no worker offers `echo`; did you mean `ecko`?"},
      {"programs_not_allowed",
       [](T& t) {
         t.join("echo");
         t.job.spec.function = "exec";
       },
       "no worker offers `exec`: workers run programs when started with --allow-exec (`quern up` "
       "does that)"},
      {"reducer_not_offered",
       [](T& t) {
         t.join("echo");
         t.set_options([](auto& o) { o.reduce = "median"; });
       },
       "no worker offers the reducer `median` (built in: sum, min, max, count, concat)"},
      {"built_in_reducer",
       [](T& t) {
         t.serve();
         t.set_options([](auto& o) { o.reduce = "sum"; });
       },
       "all workers are busy"},
      {"input_incomplete", [](T& t) { t.join("echo"); },
       "waiting for the rest of its input: `echo` takes it as a whole"},
      {"label_missing",
       [](T& t) {
         t.join("echo");
         t.decide();
         t.set_options([](auto& o) { o.require = {{"disk", "fast"}, {"zone", "eu"}}; });
         t.workers.all().begin()->second.declared.offer.labels = {{"zone", "eu"}};
       },
       "no worker that offers `echo` meets its requirements: no worker has disk=fast"},
      {"resource_missing",
       [](T& t) {
         t.join("echo").declared.offer.resources = {{"gpu", 2}};
         t.decide();
         t.set_options([](auto& o) { o.resources = {{"gpu", 4}}; });
       },
       "no worker that offers `echo` meets its requirements: no worker has gpu=4"},
      {"requirements_met_by_no_one_worker",
       [](T& t) {
         t.join("echo").declared.offer.resources = {{"gpu", 4}};
         t.join("echo").declared.offer.labels = {{"zone", "eu"}};
         t.decide();
         t.set_options([](auto& o) {
           o.require = {{"zone", "eu"}};
           o.resources = {{"gpu", 1.5}};
         });
       },
       "no worker that offers `echo` meets its requirements: zone=eu, gpu=1.5 together exceed what "
       "any one of them has"},
      {"all_slots_stuck",
       [](T& t) {
         Worker& worker = t.join("echo");
         worker.declared.offer.capacity.stuck = worker.declared.offer.capacity.slots;
         t.pool.add(worker);
         t.decide();
       },
       "every slot of the workers that offer `echo` is stuck: its function ignores its time limit "
       "or its cancellation (client1; restart the worker, or start it with --isolation process)"},
      {"restarted_broker",
       [](T& t) {
         t.serve();
         t.job.tasks.pending.clear();
         t.job.tasks.unsure.edit().add({0, 10});
       },
       "waiting a few seconds for workers to report what they still run of it since the broker "
       "was restarted"},
      {"store_in_trouble",
       [](T& t) {
         t.serve();
         t.commits.set_trouble("the disk is full");
       },
       "the store cannot write: the disk is full"},
      {"store_in_trouble_but_in_memory",
       [](T& t) {
         t.serve();
         t.commits.set_trouble("the disk is full");
         t.set_options([](auto& o) { o.durability = Durability::memory; });
       },
       "all workers are busy"},
      {"unread_results",
       [](T& t) {
         t.serve();
         t.context.config.memory_limit = 1;
         t.produce(t.job, 2 * wire::kResultWindow + 1);
       },
       "paused: too many unread results"},
      {"busy", [](T& t) { t.serve(); }, "all workers are busy"},
      {"nothing_pending",
       [](T& t) {
         t.serve();
         t.job.tasks.pending.clear();
       },
       ""},
  };
}

TEST_P(ReasonsTest, a_waiting_job_says_what_it_waits_for) {
  GetParam().arrange(*this);
  EXPECT_EQ(reasons.waits_for(job), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(all, ReasonsTest, ::testing::ValuesIn(ReasonsTest::rows()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace quern::broker
