#include "broker/core/status/reasons.hpp"

#include <algorithm>
#include <utility>
#include "broker/core/scheduling/pool.hpp"

#include "wire/number.hpp"

namespace quern::broker {

std::string Reasons::all_stuck(const Job& job) {
  const Worker& one = *job.pool->members().front().worker;
  return "all slots of the workers that offer `" + job.function +
         "` are stuck: functions on them ignore their time limit or their cancellation (" +
         one.name + (job.pool->members().size() > 1 ? " and others" : "") +
         "; restart the worker, or run it with --isolation process)";
}

std::string Reasons::unmet(const Job& job) const {
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
    const bool met = std::any_of(workers_.all().begin(), workers_.all().end(), [&](const auto& w) {
      return w.second.by_name.contains(job.function) && one.suited(w.second);
    });
    all += (all.empty() ? "" : ", ") + key + "=" + wanted;
    if (!met) nobody += (nobody.empty() ? "" : ", ") + key + "=" + wanted;
  }
  return nobody.empty() ? all + " is more than one of them has together" : "none has " + nobody;
}

std::string Reasons::waits_for(const Job& job) const {
  if (job.blob) return "the file is being received";
  const bool offered = offers_.has(job.function);
  if (workers_.all().empty()) return "no worker is connected";
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
  if (eviction_.over_result_share(job)) return "its results wait to be read";
  return job.pending.empty() ? "" : "all workers are busy";
}

}  // namespace quern::broker
