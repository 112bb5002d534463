// What the tests of the store share: a folder, random transactions, and a text that describes
// everything that a store returned.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <sstream>
#include <string>

#include "broker/actors/sqlite_store.hpp"
#include "broker/actors/store_columns.hpp"
#include "sim/memory_store.hpp"
#include "support/folder.hpp"
#include "wire/words.hpp"

namespace quern::broker {

using test::Folder;

inline void describe(std::ostream& out, const wire::Batch& batch) {
  for (wire::BatchReader reader(batch); !reader.at_end();) out << '"' << reader.next() << '"';
}

/// Describes everything except the incarnation: two stores with the same text have the same
/// content. Payloads are read with load().
inline std::string describe(Store& store, const Recovered& recovered) {
  std::ostringstream out;
  for (const RecoveredJob& job : recovered.jobs) {
    const JobBirth& b = job.birth;
    const JobProgress& p = job.progress;
    const wire::JobOptions& o = b.options;
    out << "job " << value(b.number) << ' ' << b.uuid.text() << ' ' << b.function << ' '
        << wire::word(b.input) << ' ' << b.range_begin << ':' << b.range_end << " by "
        << b.principal << " [" << o.name << ' ' << o.priority << ' ' << o.weight << ' '
        << o.attempts << ' ' << o.backoff_ms << ' ' << o.timeout_ms << ' ' << p.detach << ' '
        << o.unique << ' ' << o.reduce << ' ' << o.cost;
    for (const auto& [name, wanted] : o.require) out << ' ' << name << '=' << wanted;
    for (const auto& [name, amount] : o.resources) out << ' ' << name << '>' << amount;
    out << "]" << (b.common ? " common " + std::string(b.common->view()) : "") << "\n  "
        << wire::word(p.state) << ' ' << p.reason << ' ' << wire::word(p.failure) << ' ' << p.paused
        << p.open << ' ' << wire::word(p.encoding) << ' ' << p.accepted << ' ' << p.accepted_bytes
        << ' ' << p.input_digest << ' ' << p.total << ' ' << p.frontier << " ended "
        << column_of(p.ended) << " failed " << column_of(p.failed) << ' ' << p.done << ' '
        << p.cancelled << ' ' << p.retried << " attempts " << column_of(p.attempts) << " crashes "
        << column_of(p.crashes) << " results " << p.results_begin << '-' << p.results_end;
    if (p.decision)
      out << " decision " << wire::word(p.decision->takes) << ' '
          << wire::word(p.decision->encoding) << ' ' << p.decision->divisible << p.decision->finish
          << ' ' << p.decision->reduce << ' ' << p.decision->sentence;
    if (p.value) out << " value " << p.value->view();
    for (const auto& row : job.inputs) {
      out << "\n  input " << row.first << '+' << row.count << ' ' << row.weight << ": ";
      describe(out, store.load(b.number, {row.first, row.first + row.count}));
    }
    for (const auto& result : job.results) {
      out << "\n  result " << result.seq << " tasks " << column_of(result.entry.tasks) << " errors "
          << column_of(result.entry.errors) << ": ";
      describe(out, store.load_result(b.number, result.seq));
    }
    for (const auto& partial : job.partials)
      out << "\n  partial " << partial.tasks.begin << '-' << partial.tasks.end << ' '
          << partial.value;
    out << '\n';
  }
  return out.str();
}

inline std::string state_of(Store& store) {
  const Recovered recovered = store.recover();
  return describe(store, recovered) + "below " + std::to_string(recovered.numbers_below);
}

/// Random transactions, as a core could request them. The seed determines them.
class Transactions {
 public:
  explicit Transactions(std::uint32_t seed) : random_(seed) {}

  StoreOps next() {
    StoreOps ops;
    if (below(3) == 0 || jobs_.empty()) add_job(ops);
    for (std::uint64_t i = 0; i < 1 + below(4); ++i) {
      auto it = std::next(jobs_.begin(), static_cast<std::ptrdiff_t>(below(jobs_.size())));
      change(ops, it->second);
      if (below(30) == 0 && jobs_.size() > 1) {
        if (below(2) == 0) ops.push_back(DropInputs{it->second.job});
        ops.push_back(DropJob{it->second.job});
        jobs_.erase(it);
      }
    }
    return ops;
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

 private:
  std::string text() {
    static const char* kTexts[] = {
        "", "plain", "two words", "a\"quote'", "line\nbreak", "nul\0in", "\xc3\xa9t\xc3\xa9"};
    return kTexts[below(7)];
  }
  wire::Batch batch() {
    wire::BatchBuilder builder;
    const std::uint64_t n = 1 + below(5);
    const bool uniform = below(2) == 0;
    for (std::uint64_t i = 0; i < n; ++i)
      builder.add(std::string(uniform ? 16 : below(40), static_cast<char>('a' + below(26))));
    return builder.take();
  }
  wire::Intervals intervals() {
    wire::Intervals out;
    for (std::uint64_t at = below(5), n = below(3); n > 0; --n, at += 20)
      out.push_back({at, at + 1 + below(10)});
    return out;
  }
  std::vector<CountedTasks> counted() {
    std::vector<CountedTasks> out;
    for (const auto& tasks : intervals())
      out.push_back({tasks, static_cast<std::uint32_t>(1 + below(3))});
    return out;
  }

  void add_job(StoreOps& ops) {
    ++last_;
    JobBirth b;
    b.number = JobNumber{last_};
    b.uuid.bytes[0] = static_cast<std::uint8_t>(last_);
    b.uuid.bytes[15] = static_cast<std::uint8_t>(last_ >> 8);
    b.function = "f" + text();
    b.input = static_cast<InputKind>(below(3));
    b.range_begin = -static_cast<std::int64_t>(below(1000));
    b.range_end = INT64_MAX - static_cast<std::int64_t>(below(3));
    b.principal = text();
    if (below(3) == 0) b.common = wire::Buffer::copy("common" + text());
    wire::JobOptions& o = b.options;
    o.durability = Durability::durable;
    o.name = text();
    o.priority = -5;
    o.weight = 0.1;
    o.attempts = 7;
    o.timeout_ms = below(1'000'000);
    o.detach = below(2) == 0;
    o.unique = text();
    o.reduce = text();
    o.cost = 1e-9;
    if (below(2) == 0) o.require = {{"a label", text()}, {"b", "=,"}};
    if (below(2) == 0) o.resources = {{"gpu", 0.5}};
    ops.push_back(AddJob{b});
    JobProgress& p = jobs_[last_];
    p.job = b.number;
    p.detach = b.options.detach;
    ops.push_back(p);
    if (below(4) == 0) ops.push_back(ReserveNumbers{last_ + 1000});
  }

  void change(StoreOps& ops, JobProgress& p) {
    switch (below(6)) {
      case 0: {
        const wire::Batch more = batch();
        ops.push_back(AddInput{p.job, p.accepted, more});
        p.accepted += more.count();
        p.accepted_bytes += more.weight();
        p.total = p.accepted;
        break;
      }
      case 1:
        ops.push_back(DropInput{p.job, {below(5), 5 + below(30)}});
        break;
      case 2: {
        ResultEntry entry;
        entry.batch = batch();
        entry.tasks = {{100, 100 + entry.batch.count()}};
        if (below(2) == 0)
          entry.errors = {{5, 1, ErrorCode::failed, text()}, {7, 3, ErrorCode::timeout, ""}};
        ops.push_back(PutResult{p.job, p.results_end, entry});
        ++p.results_end;
        break;
      }
      case 3:
        if (p.results_end > p.results_begin)
          ops.push_back(PutErrors{p.job, p.results_begin, {{9, 1, ErrorCode::poison, text()}}});
        p.results_begin +=
            p.results_end > p.results_begin ? below(p.results_end - p.results_begin + 1) : 0;
        ops.push_back(DropResults{p.job, p.results_begin});
        break;
      case 4: {
        const std::uint64_t at = 10 * below(6);
        ops.push_back(PutPartial{p.job, {at, at + 10 * (1 + below(3))}, text()});
        break;
      }
      default:
        if (below(8) == 0) ops.push_back(DropPartials{p.job});
        break;
    }
    p.state = static_cast<JobState>(below(6));
    p.reason = text();
    p.failure = static_cast<ErrorCode>(below(21));
    p.paused = below(2) == 0;
    p.open = below(2) == 0;
    p.detach = below(2) == 0;
    p.encoding = below(2) == 0 ? Encoding::raw : Encoding::value;
    p.frontier = below(100);
    p.ended = intervals();
    p.failed = intervals();
    p.input_digest = ~below(1000);
    p.done = below(1000);
    p.cancelled = below(1000);
    p.retried = below(1000);
    p.attempts = counted();
    p.crashes = counted();
    if (below(2) == 0)
      p.decision = Decision{Takes::range, Encoding::value, true, below(2) == 0, text(), text()};
    if (below(3) == 0) p.value = wire::Buffer::copy("v" + text());
    ops.push_back(p);
  }

  std::mt19937 random_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, JobProgress> jobs_;
};

}  // namespace quern::broker
