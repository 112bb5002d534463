#include "broker/core/status/reasons.hpp"

#include <algorithm>
#include <utility>
#include "broker/core/scheduling/pool.hpp"

#include "calendar/cron.hpp"
#include "wire/number.hpp"

namespace quern::broker {

std::string Reasons::all_stuck(const Job& job) {
  const Worker& one = *job.run.pool->members().front().worker;
  return "every slot of the workers that offer `" + job.spec.function +
         "` is stuck: its function ignores its time limit or its cancellation (" + one.name +
         (job.run.pool->members().size() > 1 ? " and others" : "") +
         "; restart the worker, or start it with --isolation process)";
}

std::string Reasons::unmet(const Job& job) const {
  std::vector<std::pair<std::string, std::string>> asked(job.spec.options->require.begin(),
                                                         job.spec.options->require.end());
  for (const auto& [name, amount] : job.spec.options->resources) {
    std::string text = std::to_string(amount);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    asked.emplace_back(name, text);
  }
  std::string nobody, all;
  for (const auto& [key, wanted] : asked) {
    const Need one{job.spec.function, {}, {}, {{key, wanted}}, {}};
    const bool met = std::any_of(workers_.all().begin(), workers_.all().end(), [&](const auto& w) {
      return w.second.declared.by_name.contains(job.spec.function) && one.suited(w.second);
    });
    all += (all.empty() ? "" : ", ") + key + "=" + wanted;
    if (!met) nobody += (nobody.empty() ? "" : ", ") + key + "=" + wanted;
  }
  return nobody.empty() ? all + " together exceed what any one of them has"
                        : "no worker has " + nobody;
}

std::string Reasons::paused(const Job& job) {
  const std::string number = std::to_string(value(job.number));
  return "paused" +
         (job.tasks.leased == 0 ? ""
                                : "; " + std::to_string(job.tasks.leased) + " tasks still run") +
         ": " + (job.spec.principal.empty() ? "its owner" : job.spec.principal) +
         ", or a key with the role admin, continues it with `quern resume " + number + "`";
}

std::string Reasons::upstream(const Job& job) const {
  const Inflow* inflow = edges_.of(job);
  if (!inflow) return {};
  const auto list = [&](auto& jobs, const auto& is_open) {
    constexpr std::size_t kNamed = 5;
    std::string names;
    std::size_t n = 0;
    for (const auto& each : jobs) {
      if (!is_open(each) || each.job == job.number) continue;
      if (++n <= kNamed) names += (n == 1 ? "" : ", ") + std::to_string(value(each.job));
    }
    if (n > kNamed) names += " and " + std::to_string(n - kNamed) + " more";
    return (n == 1 ? "job " : "jobs ") + names;
  };
  if (job.phase.hold.jobs)
    return "it starts after " +
           list(inflow->waits, [](const Inflow::Wait& wait) { return !wait.over; });
  if (inflow->blocked.empty() && !job.intake.open) return {};
  const std::string from =
      list(inflow->sources, [](const Inflow::Source& source) { return !source.over; });
  return "it waits for results of " + (from == "jobs " ? "its own earlier tasks" : from);
}

std::string Reasons::waits_for(const Job& job) const {
  if (job.is_blob()) return "the file is being received";
  if (job.tasks.pending.empty() || job.phase.hold.jobs)
    if (std::string why = upstream(job); !why.empty()) return why;
  if (job.phase.hold.time)
    return "it starts at " +
           calendar::utc_text(static_cast<std::int64_t>(job.spec.options->start_at_ms / 1000));
  const bool offered = offers_.has(job.spec.function);
  if (workers_.all().empty()) return "no worker is connected";
  if (!offered && (job.spec.function == "exec" || job.spec.function == "filter"))
    return "no worker offers `" + job.spec.function +
           "`: workers run programs when started with --allow-exec (`quern up` does that)";
  if (!offered) {
    const std::string near = offers_.nearest(job.spec.function);
    return "no worker offers `" + job.spec.function + "`" +
           (near.empty() || near == job.spec.function ? "" : "; did you mean `" + near + "`?");
  }
  if (!job.spec.options->reduce.empty() && !wire::builtin_reducer(job.spec.options->reduce) &&
      !offers_.has_reducer(job.spec.options->reduce))
    return "no worker offers the reducer `" + job.spec.options->reduce +
           "` (built in: sum, min, max, count, concat)";
  if (!job.run.decision)
    return "waiting for the rest of its input: `" + job.spec.function + "` takes it as a whole";
  if (job.run.pool && job.run.pool->empty())
    return "no worker that offers `" + job.spec.function +
           "` meets its requirements: " + unmet(job);
  if (job.run.pool && job.run.pool->slots() == 0) return all_stuck(job);
  if (!job.tasks.unsure->empty() && job.tasks.pending.empty())
    return "waiting a few seconds for workers to report what they still run of it since the broker "
           "was restarted";
  if (job.durable() && !commits_.trouble().empty())
    return "the store cannot write: " + commits_.trouble();
  if (eviction_.over_result_share(job)) return "paused: too many unread results";
  if (!job.tasks.pending.empty()) return "all workers are busy";
  if (!job.intake.open || job.intake.feed == JobIntake::Feed::stream) return "";
  const std::string number = std::to_string(value(job.number));
  return "it is open for more items: `quern append " + number + "` adds some, and `quern close " +
         number + "` ends it";
}

}  // namespace quern::broker
