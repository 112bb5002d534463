// How a job is run, once a worker offers its function: whether it can be split, and what it waits
// for as long as it cannot begin.
#include <algorithm>
#include <utility>

#include "broker/core/core.hpp"
#include "wire/number.hpp"

namespace quern::broker {
namespace {

// Very many jobs may wait for one worker: the rest is decided with the next settle().
constexpr std::size_t kDecidedAtOnce = 500;

}  // namespace

void Core::set_decided(const Job& job) {
  const auto same = undecided_.find(job.function);
  if (same == undecided_.end()) return;
  same->second.erase(job.number);
  if (same->second.empty()) undecided_.erase(same);
}

void Core::decide_waiting(Time now) {
  std::set<std::string> functions = offers_.take_new_functions();
  if (offers_.take_new_reducers())  // then what waits may have waited for a reducer only
    for (const auto& [function, jobs] : undecided_)
      if (offers_.has(function)) functions.insert(function);
  for (const std::string& function : functions)
    if (const auto waiting = undecided_.find(function); waiting != undecided_.end())
      redecide_.insert(waiting->second.begin(), waiting->second.end());
  for (std::size_t looked = 0; !redecide_.empty() && looked < kDecidedAtOnce; ++looked) {
    const auto it = jobs_.find(*redecide_.begin());
    redecide_.erase(redecide_.begin());
    if (it != jobs_.end() && !it->second.decision && !it->second.final())
      decide_job(it->second, now);
  }
}

std::shared_ptr<const Decision> Core::shared_decision(const Decision& decision,
                                                      const std::string& function) {
  constexpr std::size_t kKindsMost = 10'000;
  if (decisions_.size() >= kKindsMost) decisions_.clear();
  // The sentence names the function and tells how it is taken; with the reducer that is all there
  // is to a decision.
  auto& known = decisions_[function + '\n' + decision.sentence + '\n' + decision.reduce];
  if (!known || known->encoding != decision.encoding || known->finish != decision.finish)
    known = std::make_shared<const Decision>(decision);
  return known;
}

bool Core::decide_job(Job& job, Time now) {
  if (job.blob) return false;
  const std::vector<FunctionDecl> offers = offers_.declarations(job.function);
  if (offers.empty()) return false;
  const bool reducer_offered = offers_.has_reducer(job.options->reduce);
  auto decided = decide({job.function, job.input, job.options->reduce}, offers);
  if (auto* misfit = std::get_if<Misfit>(&decided)) {
    end_job(job, JobState::failed, ErrorCode::bad_input, misfit->text, now);
    return false;
  }
  const Decision& decision = std::get<Decision>(decided);
  const bool named = !decision.reduce.empty() && !wire::builtin_reducer(decision.reduce);
  if (named && !reducer_offered && decision.reduce == job.options->reduce) return false;
  if (decision.takes == Takes::whole && job.input == InputKind::items && job.open) return false;
  const bool to_shape = decision.takes == Takes::whole && job.input == InputKind::items;
  if (to_shape && job.payloads.queued_bytes() <= wire::kItemBytesMax &&
      !job.payloads.all_resident()) {
    while (auto stretch = job.payloads.wanted(0, wire::kItemBytesMax))
      effects_.push_back(Load{job.number, *stretch});
    return false;  // on_loaded() asks again
  }
  job.decision = shared_decision(decision, job.function);
  set_decided(job);
  save(job);
  if (!decision.reduce.empty()) job.partials.emplace(wire::builtin_reducer(decision.reduce));
  if (decision.takes == Takes::whole && job.input != InputKind::whole) shape_whole(job, now);
  if (!job.final()) {
    join_pool(job);
    foresee_costs(job);
  }
  touch(job);
  return true;
}

std::string Core::all_stuck(const Job& job) const {
  const Worker& one = *job.pool->members().front().worker;
  return "all slots of the workers that offer `" + job.function +
         "` are stuck: functions on them ignore their time limit or their cancellation (" +
         one.name + (job.pool->members().size() > 1 ? " and others" : "") +
         "; restart the worker, or run it with --isolation process)";
}

std::string Core::unmet(const Job& job) const {
  std::vector<std::pair<std::string, std::string>> asked(job.options->require.begin(),
                                                         job.options->require.end());
  for (const auto& [name, amount] : job.options->resources) {
    std::string text = std::to_string(amount);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    asked.emplace_back(name, text);
  }
  std::string nobody, all;
  for (const auto& [key, wanted] : asked) {
    const Need one{job.function, {}, {}, {{key, wanted}}, {}};
    const bool met = std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) {
      return w.second.by_name.contains(job.function) && one.suited(w.second);
    });
    all += (all.empty() ? "" : ", ") + key + "=" + wanted;
    if (!met) nobody += (nobody.empty() ? "" : ", ") + key + "=" + wanted;
  }
  return nobody.empty() ? all + " is more than one of them has together" : "none has " + nobody;
}

std::string Core::waits_for(const Job& job) const {
  if (job.blob) return "the file is being received";
  const bool offered = offers_.has(job.function);
  if (workers_.empty()) return "no worker is connected";
  if (!offered && (job.function == "exec" || job.function == "filter"))
    return "no worker offers `" + job.function +
           "`: workers run programs when started with --allow-exec (`quern up` does that)";
  if (!offered) {
    const std::string near = offers_.nearest(job.function);
    return "no worker offers `" + job.function + "`" +
           (near.empty() || near == job.function ? "" : "; did you mean `" + near + "`?");
  }
  if (!job.options->reduce.empty() && !wire::builtin_reducer(job.options->reduce) &&
      !offers_.has_reducer(job.options->reduce))
    return "no worker offers the reducer `" + job.options->reduce +
           "` (built in: sum, min, max, count, concat)";
  if (!job.decision)
    return "its input is not complete yet: `" + job.function + "` takes it at once";
  if (job.pool && job.pool->empty())
    return "no worker that offers `" + job.function + "` meets its requirements: " + unmet(job);
  if (job.pool && job.pool->slots() == 0) return all_stuck(job);
  if (!job.unsure->empty() && job.pending.empty())
    return "the broker was restarted: workers have a few seconds to say what they still run of it";
  if (job.durable() && !commits_.trouble().empty())
    return "the store cannot write: " + commits_.trouble();
  if (over_result_share(job)) return "its results wait to be read";
  return job.pending.empty() ? "" : "all workers are busy";
}

void Core::shape_whole(Job& job, Time now) {
  if (job.total == 0) return;
  // Then it is perhaps not even in memory.
  const bool too_long =
      job.input == InputKind::items && job.payloads.queued_bytes() > wire::kItemBytesMax;
  Bytes whole;
  if (job.input == InputKind::range) {
    whole += '\x92';  // msgpack array of two
    whole += wire::bytes_of(wire::Int128{job.base}) + wire::bytes_of(wire::Int128{job.range_end});
  } else if (!too_long) {
    if (job.encoding == Encoding::value) {  // msgpack array32
      const auto n = static_cast<std::uint32_t>(job.total);
      whole += '\xdd';
      for (int shift = 24; shift >= 0; shift -= 8) whole += static_cast<char>(n >> shift & 0xff);
    }
    const wire::Batch items = job.payloads.gather({{0, job.total}});
    for (wire::BatchReader reader(items); !reader.at_end();) {
      whole += reader.next();
      if (job.encoding == Encoding::raw) whole += '\n';
    }
  }
  if (too_long || whole.size() > wire::kItemBytesMax) {
    end_job(job, JobState::failed, ErrorCode::limit,
            "`" + job.function + "` takes its whole input at once, which is over the limit of " +
                std::to_string(wire::kItemBytesMax >> 20) + " MiB",
            now);
    return;
  }
  wire::BatchBuilder one;
  one.add(whole);
  persist(job, DropInput{job.number, {0, job.total}});
  job.payloads = {};
  add_input(job, one.take());
  job.lease_ticket = std::max(job.lease_ticket, job.ticket);
  job.pending.clear();
  job.pending.add({0, 1});
  job.total = 1;
  if (job.input == InputKind::range) job.encoding = Encoding::value;
}

}  // namespace quern::broker
