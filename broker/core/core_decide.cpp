// How a job is run, once a worker offers its function: whether it can be split, and what it waits for as long as it cannot begin.
#include <algorithm>
#include <utility>

#include "broker/core/core.hpp"
#include "wire/number.hpp"

namespace quern::broker {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {  // Levenshtein
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Core::nearest_function(const std::string& name) const {
  std::string best;
  std::size_t least = std::max<std::size_t>(3, name.size() / 2 + 1);
  for (const auto& [id, worker] : workers_) {
    for (const auto& decl : worker.offer.functions) {
      const std::size_t d = distance(name, decl.name);
      if (d < least) {
        least = d;
        best = decl.name;
      }
    }
  }
  return best;
}

void Core::decide_waiting(Time now, Effects& effects) {
  offers_changed_ = false;
  for (auto it = undecided_.begin(); it != undecided_.end();) decide_job(jobs_.at(*it++), now, effects);
}

bool Core::decide_job(Job& job, Time now, Effects& effects) {
  if (job.blob) return false;
  std::vector<FunctionDecl> offers;
  bool reducer_offered = false;
  for (const auto& [id, worker] : workers_) {
    if (worker.draining) continue;
    worker.any_declaration(job.function, [&](const FunctionDecl& decl) {
      if (std::find(offers.begin(), offers.end(), decl) == offers.end()) offers.push_back(decl);
      return false;
    });
    reducer_offered = reducer_offered || worker.reducer(job.options.reduce);
  }
  if (offers.empty()) return false;
  auto decided = decide({job.function, job.input, job.options.reduce}, offers);
  if (auto* misfit = std::get_if<Misfit>(&decided)) {
    end_job(job, JobState::failed, ErrorCode::bad_input, misfit->text, now, effects);
    return false;
  }
  const Decision& decision = std::get<Decision>(decided);
  const bool named = !decision.reduce.empty() && !wire::builtin_reducer(decision.reduce);
  if (named && !reducer_offered && decision.reduce == job.options.reduce) return false;
  if (decision.takes == Takes::whole && job.input == InputKind::items && job.open) return false;
  const bool to_shape = decision.takes == Takes::whole && job.input == InputKind::items;
  if (to_shape && job.payloads.queued_bytes() <= wire::kItemBytesMax && !job.payloads.all_resident()) {
    while (auto stretch = job.payloads.wanted(0, wire::kItemBytesMax)) effects.push_back(Load{job.number, *stretch});
    return false;  // on_loaded() asks again
  }
  job.decision = decision;
  undecided_.erase(job.number);
  save(job);
  if (!decision.reduce.empty()) job.partials.emplace(wire::builtin_reducer(decision.reduce));
  if (decision.takes == Takes::whole && job.input != InputKind::whole) shape_whole(job, now, effects);
  if (!job.final()) {
    join_pool(job);
    foresee_costs(job);
  }
  touch(job);
  return true;
}

std::string Core::unmet(const Job& job) const {
  std::vector<std::pair<std::string, std::string>> asked(job.options.require.begin(), job.options.require.end());
  for (const auto& [name, amount] : job.options.resources) {
    std::string text = std::to_string(amount);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    asked.emplace_back(name, text);
  }
  std::string nobody, all;
  for (const auto& [key, wanted] : asked) {
    const Need one{job.function, {}, {}, {{key, wanted}}, {}};
    const bool met = std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) { return w.second.by_name.contains(job.function) && one.suited(w.second); });
    all += (all.empty() ? "" : ", ") + key + "=" + wanted;
    if (!met) nobody += (nobody.empty() ? "" : ", ") + key + "=" + wanted;
  }
  return nobody.empty() ? all + " is more than one of them has together" : "none has " + nobody;
}

std::string Core::waits_for(const Job& job) const {
  if (job.blob) return "the file is being received";
  bool offered = false, reducer_offered = wire::builtin_reducer(job.options.reduce).has_value() || job.options.reduce.empty();
  bool met = false;
  for (const auto& [id, worker] : workers_) {
    reducer_offered = reducer_offered || worker.reducer(job.options.reduce);
    const bool offers = worker.by_name.contains(job.function);
    offered = offered || (offers && !worker.draining);
    met = met || (job.decision ? need_of(job).met_by(worker) && worker.slots() > 0 : false);
  }
  if (workers_.empty()) return "no worker is connected";
  if (!offered && (job.function == "exec" || job.function == "filter"))
    return "no worker offers `" + job.function + "`: workers run programs when started with --allow-exec (`quern up` does that)";
  if (!offered) {
    const std::string near = nearest_function(job.function);
    return "no worker offers `" + job.function + "`" + (near.empty() || near == job.function ? "" : "; did you mean `" + near + "`?");
  }
  if (!reducer_offered)
    return "no worker offers the reducer `" + job.options.reduce + "` (built in: sum, min, max, count, concat)";
  if (!job.decision) return "its input is not complete yet: `" + job.function + "` takes it at once";
  if (!met) return "no worker that offers `" + job.function + "` meets its requirements: " + unmet(job);
  if (!job.unsure.empty() && job.pending.empty())
    return "the broker was restarted: workers have a few seconds to say what they still run of it";
  if (job.durable() && !store_trouble_.empty()) return "the store cannot write: " + store_trouble_;
  if (over_result_share(job)) return "its results wait to be read";
  return job.pending.empty() ? "" : "all workers are busy";
}

void Core::shape_whole(Job& job, Time now, Effects& effects) {
  if (job.total == 0) return;
  // Then it is perhaps not even in memory.
  const bool too_long = job.input == InputKind::items && job.payloads.queued_bytes() > wire::kItemBytesMax;
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
            now, effects);
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
