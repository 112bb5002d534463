#include "json/json.hpp"

#include <algorithm>
#include <array>

#include "notation/base64.hpp"
#include "notation/duration.hpp"
#include "notation/hex.hpp"
#include "notation/moment.hpp"
#include "notation/utf8.hpp"
#include "quern/value.hpp"

namespace quern::json {
namespace {

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  out += "\\u00";
  notation::append_hex(out, static_cast<unsigned char>(c));
}

Json share_json(const WorkerShare& share, std::uint64_t tasks_in_all) {
  const double part =
      tasks_in_all ? static_cast<double>(share.tasks) / static_cast<double>(tasks_in_all) : 0;
  return {{"worker", share.worker},
          {"rate", share.rate},
          {"slots", share.slots},
          {"leases", share.leases},
          {"tasks", share.tasks},
          {"share", part},
          {"busy_s", notation::seconds_of_us(share.busy_us)}};
}

Json functions_of(const WorkerStatus& status) {
  Json functions = Json::array();
  for (const FunctionDecl& decl : status.functions)
    functions.push_back({{"name", decl.name},
                         {"takes", to_string(decl.takes)},
                         {"encoding", decl.encoding == Encoding::raw ? "raw" : "value"},
                         {"reduce", decl.reduce},
                         {"max_lease", decl.max_lease},
                         {"people", decl.people}});
  return functions;
}

/// Each bucket with its upper bound; the last one has none.
Json histogram_json(const Histogram& histogram) {
  Json buckets = Json::array();
  for (std::size_t i = 0; i < histogram.counts.size(); ++i)
    buckets.push_back(
        {{"up_to_s", i < kHistogramBounds.size() ? Json(kHistogramBounds[i]) : Json()},
         {"count", histogram.counts[i]}});
  return {{"sum_s", histogram.sum_s}, {"buckets", buckets}};
}

Json rates_in_json(const WorkerStatus& status) {
  Json rates = Json::array();
  for (const FunctionRate& rate : status.rates)
    rates.push_back({{"function", rate.function},
                     {"rate", rate.rate},
                     {"uncertainty", rate.uncertainty},
                     {"leases", rate.leases},
                     {"tasks", rate.tasks},
                     {"busy_s", notation::seconds_of_us(rate.busy_us)}});
  return rates;
}

}  // namespace

std::uint64_t tasks_shared(const JobStatus& job) {
  std::uint64_t named = 0;
  for (const WorkerShare& share : job.shares) named += share.tasks;
  // The broker names only the busiest workers; failed runs count too.
  return std::max(named, job.done + job.failed);
}

Json moment_json(std::uint64_t ms) {
  return ms == 0 ? Json() : Json(notation::moment_text(static_cast<std::int64_t>(ms / 1000)));
}

Json edge_json(const JobEdge& edge) {
  Json object = {{"job", value(edge.number)}, {"pattern", to_string(edge.pattern)}};
  if (edge.pattern == EdgePattern::group) {
    object["width"] = edge.width;
    object["step"] = edge.step;
  }
  if (edge.ended) object["ended"] = true;
  return object;
}

Json to_json(const JobStatus& status) {
  Json object = {
      {"job", value(status.number)},
      {"uuid", status.uuid.text()},
      {"name", status.name},
      {"function", status.function},
      {"owner", status.owner},
      {"input", to_string(status.input)},
      {"state", to_string(status.state)},
      {"paused", status.paused},
      {"reason", status.reason},
      {"decision", status.decision},
      {"divisible", status.divisible},
      {"reduce", status.reduce},
      {"open", status.open},
      {"total", status.total},
      {"pending", status.pending},
      {"leased", status.leased},
      {"done", status.done},
      {"failed", status.failed},
      {"cancelled", status.cancelled},
      {"retried", status.retried},
      {"copies", status.copies},
      {"wasted_s", status.wasted_s},
      {"priority", status.priority},
      {"weight", status.weight},
      {"attempts", status.attempts},
      {"idempotent", status.idempotent},
      {"at_most_once", status.at_most_once},
      {"failure", to_string(status.failure)},
      {"kept_s", is_final(status.state) ? Json(notation::seconds_of_us(status.kept_us)) : Json()},
      {"durability", to_string(status.durability)},
      {"detached", status.detached},
      {"deadline_s",
       status.deadline_ms == 0 ? Json() : Json(static_cast<double>(status.deadline_ms) / 1000)},
      {"start_at", moment_json(status.start_at_ms)},
      {"age_s", notation::seconds_of_us(status.age_us)},
      {"run_s", notation::seconds_of_us(status.run_us)},
      {"rate", status.rate},
      {"queued_bytes", status.queued_bytes},
      {"result_bytes", status.result_bytes}};
  object["eta_s"] = status.eta_s < 0 ? Json() : Json(status.eta_s);
  object["eta_error_s"] =
      status.eta_s < 0 || status.eta_error_s < 0 ? Json() : Json(status.eta_error_s);
  object["workers_in_all"] = status.workers;
  object["blocked"] = status.blocked;
  object["edges"] = Json::array();
  for (const JobEdge& edge : status.edges) object["edges"].push_back(edge_json(edge));
  object["consumers"] = status.consumers;
  object["nested"] = status.nested;
  if (value(status.parent) != 0) {
    object["parent"] = value(status.parent);
    object["parent_task"] = status.parent_task;
  }
  object["children"] = status.children;
  object["waiting_tasks"] = status.waiting_tasks;
  if (!status.metadata.empty()) object["metadata"] = status.metadata;
  if (!status.shares.empty()) {
    const std::uint64_t tasks = tasks_shared(status);
    for (const WorkerShare& share : status.shares)
      object["workers"].push_back(share_json(share, tasks));
  }
  return object;
}

Json to_json(const ScheduleRun& run) {
  return {{"due", moment_json(run.due_ms)},
          {"at", moment_json(run.at_ms)},
          {"outcome", to_string(run.outcome)},
          {"job", value(run.job) == 0 ? Json() : Json(value(run.job))},
          {"text", run.text}};
}

Json to_json(const ScheduleStatus& schedule) {
  Json object = {{"name", schedule.name},
                 {"owner", schedule.owner},
                 {"cron", schedule.cron},
                 {"zone", schedule.zone},
                 {"missed", to_string(schedule.missed)},
                 {"overlap", to_string(schedule.overlap)},
                 {"function", schedule.function},
                 {"paused", schedule.paused},
                 {"next", moment_json(schedule.next_ms)},
                 {"runs", Json::array()}};
  for (const ScheduleRun& run : schedule.runs) object["runs"].push_back(to_json(run));
  return object;
}

Json to_json(const WorkerStatus& status) {
  const Capacity& capacity = status.capacity;
  Json object = {{"worker", status.name},
                 {"state", status.state},
                 {"slots", capacity.slots},
                 {"busy", capacity.busy},
                 {"stuck", capacity.stuck},
                 {"cores", capacity.cores},
                 {"idle", capacity.idle},
                 {"load", capacity.load},
                 {"memory_free", capacity.memory_free},
                 {"leases", status.leases},
                 {"tasks_done", status.tasks_done},
                 {"silent_s", notation::seconds_of_us(status.silent_us)},
                 {"connected_s", notation::seconds_of_us(status.connected_us)},
                 {"principal", status.principal}};
  object["labels"] = Json::object();
  for (const auto& [key, label] : status.labels) object["labels"][key] = label;
  object["resources"] = Json::object();
  for (const auto& [key, amount] : status.resources) object["resources"][key] = amount;
  object["functions"] = functions_of(status);
  object["rates"] = rates_in_json(status);
  return object;
}

Json to_json(const BrokerStatus& status) {
  Json object = {{"software", status.software},
                 {"uptime_s", notation::seconds_of_us(status.uptime_us)},
                 {"workers", status.workers},
                 {"clients", status.clients},
                 {"jobs", status.jobs},
                 {"memory_used", status.memory_used},
                 {"memory_limit", status.memory_limit},
                 {"malformed", status.malformed},
                 {"refused", status.refused},
                 {"late", status.late}};
  object["tasks"] = {{"pending", status.tasks_pending}, {"leased", status.tasks_leased}};
  object["jobs_by_state"] = {
      {"waiting", status.jobs_waiting}, {"running", status.jobs_running},
      {"paused", status.jobs_paused},   {"done", status.jobs_done},
      {"failed", status.jobs_failed},   {"cancelled", status.jobs_cancelled}};
  object["workers_by_state"] = {{"idle", status.workers_idle},
                                {"busy", status.workers_busy},
                                {"draining", status.workers_draining},
                                {"stuck", status.workers_stuck},
                                {"lost", status.workers_lost}};
  object["functions"] = Json::array();
  for (const FunctionCounters& counters : status.functions)
    object["functions"].push_back({{"function", counters.function},
                                   {"tasks_done", counters.tasks_done},
                                   {"tasks_failed", counters.tasks_failed},
                                   {"tasks_cancelled", counters.tasks_cancelled},
                                   {"leases", counters.leases},
                                   {"leases_lost", counters.leases_lost},
                                   {"retries", counters.retries}});
  object["lease_seconds"] = histogram_json(status.lease_seconds);
  object["wait_seconds"] = histogram_json(status.wait_seconds);
  return object;
}

Json to_json(const TaskNote& note) {
  return {{"task", note.task},
          {"worker", note.worker},
          {"age_s", notation::seconds_of_us(note.age_us)},
          {"progress", note.progress < 0 ? Json() : Json(note.progress)},
          {"text", note.text}};
}

Json to_json(const ErrorGroup& group) {
  return {{"error", to_string(group.code)}, {"text", group.text}, {"count", group.count},
          {"first", group.first},           {"last", group.last}, {"example", group.example}};
}

Json to_json(const TaskSpan& span) {
  Json object = {{"first", span.first}, {"count", span.count}, {"state", to_string(span.state)}};
  if (!span.worker.empty()) {
    object["worker"] = span.worker;
    object["attempt"] = span.attempt;
  }
  return object;
}

std::string line_of(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

bool append_string(std::string& out, BytesView text) {
  const std::size_t before = out.size();
  out += '"';
  std::size_t plain = 0;  // bytes that need no escape are copied in runs
  while (plain < text.size()) {
    const char c = text[plain];
    if (static_cast<unsigned char>(c) >= 0x80) {
      const std::size_t length = notation::sequence_length(text.substr(plain));
      if (length == 0) {
        out.resize(before);
        return false;
      }
      plain += length;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
      out.append(text.substr(0, plain));
      append_escaped(out, c);
      text.remove_prefix(plain + 1);
      plain = 0;
    } else {
      ++plain;
    }
  }
  out.append(text);
  out += '"';
  return true;
}

void append_result(std::string& out, BytesView bytes, Encoding encoding) {
  if (encoding == Encoding::value) {
    if (const auto text = json_from_value(bytes)) {
      out += *text;
      return;
    }
  } else if (append_string(out, bytes)) {
    return;
  }
  out += "{\"base64\": \"";
  out += notation::base64(bytes);
  out += "\"}";
}

}  // namespace quern::json
