#include "broker/core/scheduling/decider.hpp"

#include <algorithm>
#include <utility>

#include "wire/number.hpp"

namespace quern::broker {
namespace {

// Very many jobs may wait for one worker. The next settle() decides the rest, so that the router is
// not blocked for long.
constexpr std::size_t kDecidedAtOnce = 500;

}  // namespace

void Decider::remove_undecided(const Job& job) {
  const auto same = undecided_.find(job.spec.function);
  if (same == undecided_.end()) return;
  same->second.erase(job.number);
  if (same->second.empty()) undecided_.erase(same);
}

void Decider::decide_waiting() {
  std::set<std::string> functions = offers_.take_new_functions();
  if (offers_.take_new_reducers())  // jobs may have been waiting only for a reducer
    for (const auto& [function, jobs] : undecided_)
      if (offers_.has(function)) functions.insert(function);
  for (const std::string& function : functions)
    if (const auto waiting = undecided_.find(function); waiting != undecided_.end())
      redecide_.insert(waiting->second.begin(), waiting->second.end());
  for (std::size_t looked = 0; !redecide_.empty() && looked < kDecidedAtOnce; ++looked) {
    Job* it = jobs_.find(*redecide_.begin());
    redecide_.erase(redecide_.begin());
    if (it && !it->run.decision && !it->final()) decide_job(*it);
  }
}

std::shared_ptr<const Decision> Decider::shared(const Decision& decision,
                                                const std::string& function) {
  constexpr std::size_t kKindsMost = 10'000;
  if (decisions_.size() >= kKindsMost) decisions_.clear();
  // The sentence names the function and says how it takes its input. Together with the reducer, the
  // encoding and the finish step it determines the decision.
  auto& known = decisions_[function + '\n' + decision.sentence + '\n' + decision.reduce];
  if (!known || known->encoding != decision.encoding || known->finish != decision.finish)
    known = std::make_shared<const Decision>(decision);
  return known;
}

void Decider::decide_job(Job& job) {
  if (!job.is_run()) return;
  const std::vector<FunctionDecl> offers = offers_.declarations(job.spec.function);
  if (offers.empty()) return;
  const bool reducer_offered = offers_.has_reducer(job.spec.options->reduce);
  auto decided = decide({job.spec.function, job.spec.input, job.spec.options->reduce}, offers);
  if (auto* misfit = std::get_if<Misfit>(&decided)) {
    job.fail(ErrorCode::bad_input, std::move(misfit->text));
    jobs_.touch(job);
    return;
  }
  const Decision& decision = std::get<Decision>(decided);
  const bool named = !decision.reduce.empty() && !wire::builtin_reducer(decision.reduce);
  // The client named a reducer that no worker offers yet: wait for one.
  if (named && !reducer_offered && decision.reduce == job.spec.options->reduce) return;
  if (decision.takes == Takes::whole && job.intake.feed == JobIntake::Feed::graph) {
    job.fail(ErrorCode::bad_input,
             "`" + job.spec.function +
                 "` takes its whole input at once, so its tasks cannot be the nodes of a graph: "
                 "take a function that is called for each item");
    jobs_.touch(job);
    return;
  }
  // The input becomes one task, so it has to be complete.
  if (decision.takes == Takes::whole && job.spec.input == InputKind::items && job.intake.open)
    return;
  if (decision.takes == Takes::whole && job.tasks.failed() > 0) {
    job.fail(ErrorCode::upstream_failed,
             "`" + job.spec.function + "` takes its whole input at once, and " +
                 std::to_string(job.tasks.failed()) + " of " + std::to_string(job.tasks.total) +
                 " results that it takes are missing, because their tasks failed");
    jobs_.touch(job);
    return;
  }
  const bool to_shape = decision.takes == Takes::whole && job.spec.input == InputKind::items;
  if (to_shape && job.intake.payloads.queued_bytes() <= wire::kItemBytesMax &&
      !job.intake.payloads.all_resident()) {
    while (auto stretch = job.intake.payloads.wanted(0, wire::kItemBytesMax))
      context_.effects.push_back(Load{job.number, *stretch});
    return;  // decide_again() continues when they have been loaded
  }
  const JobChange change = changes_.begin(job);
  job.run.decision = shared(decision, job.spec.function);
  remove_undecided(job);
  if (!decision.reduce.empty()) job.output.partials.emplace(wire::builtin_reducer(decision.reduce));
  if (decision.takes == Takes::whole && job.spec.input != InputKind::whole) shape_whole(job);
  if (!job.final()) {
    pools_.join(job);
    costs_.foresee(job);
  }
}

void Decider::shape_whole(Job& job) {
  if (job.tasks.total == 0) return;
  // Input that is too long may not even be in memory, so it is not gathered.
  const bool too_long = job.spec.input == InputKind::items &&
                        job.intake.payloads.queued_bytes() > wire::kItemBytesMax;
  Bytes whole;
  if (job.spec.input == InputKind::range) {
    whole += '\x92';  // msgpack array of two
    whole += wire::bytes_of(wire::Int128{job.spec.base}) +
             wire::bytes_of(wire::Int128{job.spec.range_end});
  } else if (!too_long) {
    if (job.intake.encoding == Encoding::value) {  // msgpack array32
      const auto n = static_cast<std::uint32_t>(job.tasks.total);
      whole += '\xdd';
      for (int shift = 24; shift >= 0; shift -= 8) whole += static_cast<char>(n >> shift & 0xff);
    }
    const wire::Batch items = job.intake.payloads.gather({{0, job.tasks.total}});
    for (wire::BatchReader reader(items); !reader.at_end();) {
      whole += reader.next();
      if (job.intake.encoding == Encoding::raw) whole += '\n';
    }
  }
  if (too_long || whole.size() > wire::kItemBytesMax) {
    job.fail(ErrorCode::limit,
             "`" + job.spec.function +
                 "` takes its whole input at once, and this input exceeds the limit of " +
                 std::to_string(wire::kItemBytesMax >> 20) + " MiB");
    return;
  }
  wire::BatchBuilder one;
  one.add(whole);
  journal_.persist(job, DropInput{job.number, {0, job.tasks.total}});
  job.intake.payloads = {};
  journal_.add_input(job, one.take());
  job.commits.leases = std::max(job.commits.leases, job.commits.latest);
  job.tasks.pending.clear();
  job.tasks.pending.add({0, 1});
  job.tasks.total = 1;
  if (job.spec.input == InputKind::range) job.intake.encoding = Encoding::value;
}

}  // namespace quern::broker
