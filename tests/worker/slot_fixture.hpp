// A slot with a real thread, and what it reported. Tests wait for conditions and never sleep.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "wire/number.hpp"
#include "worker/actors/slot.hpp"
#include "worker/worker_fixture.hpp"

namespace quern::worker {

class SlotTest : public ::testing::Test {
 protected:
  std::shared_ptr<worker::Run> start(wire::Lease lease, double cpu_share = 1) {
    slot_ = std::make_unique<Slot>(functions, cpu_share,
                                   Slot::Posts{[this](wire::Report report) {
                                                 std::lock_guard lock(mutex_);
                                                 reports_.push_back(std::move(report));
                                                 changed_.notify_all();
                                               },
                                               [this](std::vector<wire::Report> last) {
                                                 std::lock_guard lock(mutex_);
                                                 for (auto& report : last)
                                                   reports_.push_back(std::move(report));
                                                 free_ = true;
                                                 changed_.notify_all();
                                               }});
    Harvest harvest = harvest_for(lease, functions);
    auto run = std::make_shared<worker::Run>(std::move(lease), CommonInput{}, std::move(harvest));
    slot_->start(run);
    return run;
  }

  std::vector<wire::Report> finish() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return free_; }));
    return reports_;
  }
  std::vector<wire::Report> run(wire::Lease lease) {
    start(std::move(lease));
    return finish();
  }

  static wire::Lease items(std::uint64_t count, const std::string& function) {
    return make_items(1, function, {{0, count}});
  }
  static wire::Lease range(wire::Intervals tasks, const std::string& function,
                           const std::string& reduce) {
    wire::Lease lease = make_lease(1, function, wire::LeaseKind::range, std::move(tasks));
    lease.reduce = reduce;
    lease.indexed = true;
    return lease;
  }
  /// A merge or finish lease.
  static wire::Lease fold(wire::LeaseKind kind, const std::string& function, wire::Interval tasks,
                          const std::vector<Bytes>& values) {
    wire::Lease lease = make_lease(1, function, kind, {tasks});
    wire::BatchBuilder builder;
    for (const auto& value : values) builder.add(value);
    lease.batch = builder.take();
    return lease;
  }

  /// Results by task; fails if parts are out of order or a task appears twice.
  static std::map<std::uint64_t, Bytes> results(const std::vector<wire::Report>& reports) {
    std::map<std::uint64_t, Bytes> out;
    for (std::size_t part = 0; part < reports.size(); ++part) {
      const auto& report = reports[part];
      EXPECT_EQ(report.id.part, part);
      EXPECT_EQ(report.last, part + 1 == reports.size());
      wire::BatchReader reader(report.batch);
      for (const auto& tasks : report.tasks)
        for (auto i = tasks.begin; i < tasks.end; ++i)
          EXPECT_TRUE(out.emplace(i, reader.next()).second) << i << " twice";
    }
    return out;
  }
  static wire::IntervalSet failed(const std::vector<wire::Report>& reports) {
    wire::IntervalSet out;
    for (const auto& report : reports)
      for (const auto& error : report.errors)
        EXPECT_EQ(out.add({error.first, error.first + error.count}), error.count);
    return out;
  }
  static std::vector<TaskError> errors(const std::vector<wire::Report>& reports) {
    std::vector<TaskError> out;
    for (const auto& report : reports)
      out.insert(out.end(), report.errors.begin(), report.errors.end());
    return out;
  }
  static std::int64_t integer(BytesView value) {
    return static_cast<std::int64_t>(std::get<wire::Int128>(*wire::number_from(value)));
  }

  Functions functions;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<wire::Report> reports_;
  bool free_ = false;
  std::unique_ptr<Slot> slot_;  // last, because its thread uses the members above
};

}  // namespace quern::worker
