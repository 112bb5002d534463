#include "broker/core/edges/connecting.hpp"

#include <algorithm>
#include <map>

#include "broker/core/edges/upstream.hpp"

namespace quern::broker {
namespace {

std::string name_of(JobNumber number) { return "job " + std::to_string(value(number)); }

bool has_links(const Inflow& inflow) {
  return std::any_of(inflow.sources.begin(), inflow.sources.end(),
                     [](const auto& source) { return source.number == wire::TaskGraph::kSelf; });
}

JobIntake::Feed feed_of(const Inflow& inflow) {
  return has_links(inflow) ? JobIntake::Feed::graph : JobIntake::Feed::jobs;
}

bool takes_results(EdgePattern pattern) { return pattern != EdgePattern::after; }

}  // namespace

std::optional<Refusal> Connecting::objection(const std::string& principal,
                                             const wire::Submit& submit, const JobEdge& edge,
                                             const Job& job) const {
  const std::string name = name_of(job.number);
  if (job.is_blob())
    return Refusal{ErrorCode::bad_input, name + " carries a file, so no job can depend on it"};
  if (job.spec.principal != principal)
    return Refusal{ErrorCode::denied, name + " belongs to `" + job.spec.principal +
                                          "`: a job can depend only on jobs of its own principal"};
  if (submit.options.durability == Durability::durable && !job.durable())
    return Refusal{ErrorCode::bad_input,
                   name +
                       " does not survive a restart of the broker, so a durable job cannot "
                       "depend on it: submit both with --durability durable, or both with "
                       "--durability memory"};
  if (!takes_results(edge.pattern)) return std::nullopt;
  if (job.output.results.begin() > 0)
    return Refusal{ErrorCode::lost,
                   "the results of " + name +
                       " have been read by its client, or passed on to other jobs "
                       "(--intermediate), and deleted: submit the job that takes them before that, "
                       "or submit " +
                       name + " with --detach and without --intermediate, which keeps them"};
  const std::string& reduce =
      job.run.decision ? job.run.decision->reduce : job.spec.options->reduce;
  if (!reduce.empty() && edge.pattern != EdgePattern::all)
    return Refusal{ErrorCode::bad_input, name + " has one result, because the reducer `" + reduce +
                                             "` combines its tasks: use the pattern `all`"};
  // A graph has all its tasks from the beginning; it is open only because they wait for results.
  if (edge.pattern == EdgePattern::list && job.intake.open &&
      job.intake.feed != JobIntake::Feed::graph)
    return Refusal{ErrorCode::bad_input,
                   name +
                       " is still open, so its results cannot be named one by one yet: close it "
                       "first"};
  return std::nullopt;
}

std::optional<Refusal> Connecting::misfit(const wire::TaskGraph& graph,
                                          const std::vector<const Job*>& lists) {
  for (std::size_t link = 0; link < graph.indices.size(); ++link) {
    const std::uint16_t source = graph.source(link);
    if (source < wire::TaskGraph::kEdges) continue;
    const Job& job = *lists[source - wire::TaskGraph::kEdges];
    if (graph.indices[link] < job.tasks.total) continue;
    return Refusal{ErrorCode::bad_input, "links: task " + std::to_string(graph.indices[link]) +
                                             " of " + name_of(job.number) +
                                             " does not exist: the job has " +
                                             std::to_string(job.tasks.total) + " tasks"};
  }
  return std::nullopt;
}

std::optional<Refusal> Connecting::too_large(const wire::TaskGraph& graph) const {
  std::map<std::uint16_t, std::uint64_t> results;
  for (std::size_t link = 0; link < graph.indices.size(); ++link)
    if (const std::uint16_t source = graph.source(link); source >= wire::TaskGraph::kEdges)
      results[source] = std::max(results[source], std::uint64_t{graph.indices[link]} + 1);
  std::uint64_t all = 0;
  for (const auto& [source, count] : results) all += count;
  if (all <= gathered_most(context_.config)) return std::nullopt;
  return Refusal{ErrorCode::limit, too_many_results(all, context_.config)};
}

std::variant<Inflow, Refusal> Connecting::check(const std::string& principal,
                                                wire::Submit& submit) const {
  std::vector<const Job*> lists;
  for (JobEdge& edge : submit.edges) {
    const Job* job = jobs_.find(edge.uuid, edge.number);
    if (!job) return jobs_.why_unknown(edge.uuid, edge.number);
    if (!job->durable() && submit.options.durability == Durability::automatic)
      submit.options.durability = Durability::memory;
    if (auto no = objection(principal, submit, edge, *job)) return *no;
    edge.number = job->number;
    edge.uuid = {};
    if (edge.pattern == EdgePattern::list) lists.push_back(job);
  }
  std::optional<wire::TaskGraph> graph;
  if (submit.has_links) {
    auto decoded = wire::decode_task_graph(submit.links, lists.size());
    if (auto* broken = std::get_if<std::string>(&decoded))
      return Refusal{ErrorCode::bad_input, std::move(*broken)};
    graph = std::move(std::get<wire::TaskGraph>(decoded));
    if (auto no = misfit(*graph, lists)) return *no;
    if (auto no = too_large(*graph)) return *no;
  }
  Inflow inflow = inflow_of(submit.edges, submit.join, submit.has_links, std::move(graph), {});
  inflow.values = submit.encoding;
  return inflow;
}

Inflow Connecting::inflow_of(const std::vector<JobEdge>& edges, Join join, bool has_links,
                             std::optional<wire::TaskGraph> graph, JobNumber self) const {
  Inflow inflow;
  inflow.edges = edges;
  inflow.join = join;
  std::size_t lists = 0;
  if (has_links) inflow.sources.push_back({self, wire::TaskGraph::kSelf, false, 0, false});
  for (const JobEdge& edge : edges) {
    if (edge.pattern == EdgePattern::after) {
      inflow.waits.push_back({edge.number, edge.ended, false});
      continue;
    }
    const Job* job = jobs_.find(edge.number);
    const auto number = static_cast<Gather::Source>(wire::TaskGraph::kEdges + lists++);
    inflow.sources.push_back(
        {edge.number, number, edge.ended, job ? job->output.results.begin() : 0, false});
    if (edge.pattern == EdgePattern::group) inflow.gather.emplace(edge.width, edge.step);
    if (edge.pattern == EdgePattern::all) inflow.gather.emplace();
  }
  if (graph) inflow.gather.emplace(std::move(*graph), lists);
  return inflow;
}

void Connecting::raise_priority(Job& job, std::int32_t priority) {
  // What a job waits for is as urgent as the job itself.
  std::vector<Job*> open{&job};
  while (!open.empty()) {
    Job& next = *open.back();
    open.pop_back();
    if (next.final() || next.spec.options->priority >= priority) continue;
    queue_.leave(next);
    wire::JobOptions options = Jobs::options_of(next);
    options.priority = priority;
    jobs_.set_options(next, std::move(options));
    queue_.enter(next);
    jobs_.touch(next);
    if (const Inflow* inflow = table_.of(next)) {
      for (const auto& source : inflow->sources)
        if (Job* it = jobs_.find(source.job); it && it != &next) open.push_back(it);
      for (const auto& wait : inflow->waits)
        if (Job* it = jobs_.find(wait.job)) open.push_back(it);
    }
  }
}

void Connecting::tie(Job& job, Inflow inflow) {
  for (const JobEdge& edge : inflow.edges)
    if (Job* it = jobs_.find(edge.number); it && !job.final())
      raise_priority(*it, job.spec.options->priority);
  const std::uint64_t bytes = inflow.gather ? inflow.gather->bytes() : 0;
  table_.add(job, std::move(inflow));
  accounts_.set_extra(job, bytes);
}

void Connecting::connect(Job& job, Inflow inflow) {
  for (auto& source : inflow.sources)
    if (source.number == wire::TaskGraph::kSelf && inflow.gather) source.job = job.number;
  if (inflow.takes_results()) {
    job.intake.open = true;
    job.intake.feed = feed_of(inflow);
    if (inflow.join == Join::array) job.intake.encoding = Encoding::value;
  }
  if (inflow.gather && inflow.gather->tasks() > 0) {
    job.tasks.total = job.intake.accepted = inflow.gather->tasks();
    inflow.blocked.add({0, job.tasks.total});
  }
  job.phase.hold.jobs = !inflow.waits.empty();
  tie(job, std::move(inflow));
  jobs_.touch(job);
  context_.dispatch_needed = true;
}

void Connecting::recover_stopped(const Job& job, Inflow& inflow,
                                 const std::vector<StoredInput>& inputs) {
  const ResultLog& results = job.output.results;
  for (std::uint64_t seq = results.begin(); seq < results.end(); ++seq)
    for (const auto& error : results.at(seq).errors)
      if (error.code == ErrorCode::upstream_failed)
        inflow.stopped.add({error.first, error.first + error.count});
  if (!inflow.takes_results()) return;
  // Those that had their input before they were stopped have it still. A failed task without input
  // never had any, even if its error has been read and dropped meanwhile.
  wire::IntervalSet without = *job.tasks.failed_set;
  for (const auto& row : inputs) {
    const wire::Interval tasks{row.first, row.first + row.count};
    for (const auto& part : inflow.stopped.intersect(tasks)) inflow.parked.add(part);
    without.remove(tasks);
  }
  for (const auto& part : without.list()) inflow.stopped.add(part);
}

void Connecting::recover(Job& job, const JobBirth& birth, const std::vector<StoredInput>& inputs) {
  if (birth.edges.empty() && birth.links.empty()) return;
  std::optional<wire::TaskGraph> graph;
  const auto lists = std::count_if(birth.edges.begin(), birth.edges.end(), [](const auto& edge) {
    return edge.pattern == EdgePattern::list;
  });
  if (!birth.links.empty()) {
    auto decoded = wire::decode_task_graph(birth.links, static_cast<std::size_t>(lists));
    if (auto* good = std::get_if<wire::TaskGraph>(&decoded)) graph = std::move(*good);
  }
  const bool has_links = graph.has_value();
  Inflow inflow = inflow_of(birth.edges, birth.join, has_links, std::move(graph), job.number);
  inflow.values = birth.values;
  for (auto& source : inflow.sources)
    if (source.job == job.number) source.cursor = job.output.results.begin();
  if (inflow.takes_results()) job.intake.feed = feed_of(inflow);
  if (inflow.takes_results() && !job.final()) {
    inflow.blocked.add({0, job.tasks.total});
    for (const auto& tasks : job.tasks.ended.list()) inflow.blocked.remove(tasks);
    for (const auto& row : inputs) inflow.blocked.remove({row.first, row.first + row.count});
  }
  recover_stopped(job, inflow, inputs);
  // The broker forgets a job only after those that wait for it have been told of its end.
  for (auto& wait : inflow.waits) wait.over = !jobs_.find(wait.job);
  job.phase.hold.jobs = std::any_of(inflow.waits.begin(), inflow.waits.end(),
                                    [](const auto& wait) { return !wait.over; });
  tie(job, std::move(inflow));
}

}  // namespace quern::broker
