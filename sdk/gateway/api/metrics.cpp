#include "gateway/api/metrics.hpp"

#include <cstdio>
#include <initializer_list>

#include "quern/version.hpp"

namespace quern::gateway {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

void describe(std::string& out, const char* name, const char* type, const char* help) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void single(std::string& out, const char* name, const char* type, const char* help, double value) {
  describe(out, name, type, help);
  out += std::string(name) + " " + number(value) + "\n";
}

void by_state(std::string& out, const char* name, const char* help,
              std::initializer_list<std::pair<const char*, std::uint64_t>> states) {
  describe(out, name, "gauge", help);
  for (const auto& [state, count] : states)
    out += std::string(name) + "{state=\"" + state + "\"} " + std::to_string(count) + "\n";
}

/// The value of a label: backslashes and quotes are escaped, control characters replaced.
std::string label(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"')
      out += std::string("\\") + c;
    else if (c < ' ' || c == 0x7f)
      out += '?';
    else
      out += c;
  }
  return out;
}

void histogram(std::string& out, const char* name, const char* help, const Histogram& values) {
  describe(out, name, "histogram", help);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i <= kHistogramBounds.size(); ++i) {
    sum += i < values.counts.size() ? values.counts[i] : 0;
    out += std::string(name) + "_bucket{le=\"" +
           (i < kHistogramBounds.size() ? number(kHistogramBounds[i]) : "+Inf") + "\"} " +
           std::to_string(sum) + "\n";
  }
  out += std::string(name) + "_sum " + number(values.sum_s) + "\n";
  out += std::string(name) + "_count " + std::to_string(sum) + "\n";
}

double at(std::uint64_t count) { return static_cast<double>(count); }

}  // namespace

void HttpMetrics::observe(std::string_view route, unsigned status, double seconds) {
  if (route.empty()) route = "none";
  auto found = routes_.find(route);
  if (found == routes_.end()) found = routes_.emplace(route, Requests{}).first;
  Requests& requests = found->second;
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++requests.by_time[bucket];
  ++requests.by_status[status];
  requests.seconds += seconds;
}

std::string HttpMetrics::text() const {
  std::string out;
  describe(out, "quern_http_requests_total", "counter", "Requests that were answered.");
  for (const auto& [route, requests] : routes_)
    for (const auto& [status, count] : requests.by_status)
      out += "quern_http_requests_total{route=\"" + route + "\",code=\"" + std::to_string(status) +
             "\"} " + std::to_string(count) + "\n";
  describe(out, "quern_http_request_seconds", "histogram",
           "Time from the head of a request to its answer.");
  for (const auto& [route, requests] : routes_) {
    const std::string label = "route=\"" + route + "\"";
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i <= kBounds.size(); ++i) {
      sum += requests.by_time[i];
      out += "quern_http_request_seconds_bucket{" + label + ",le=\"" +
             (i < kBounds.size() ? number(kBounds[i]) : "+Inf") + "\"} " + std::to_string(sum) +
             "\n";
    }
    out += "quern_http_request_seconds_sum{" + label + "} " + number(requests.seconds) + "\n";
    out += "quern_http_request_seconds_count{" + label + "} " + std::to_string(sum) + "\n";
  }
  return out;
}

std::string metrics_of(const BrokerStatus& broker) {
  std::string out;
  single(out, "quern_broker_uptime_seconds", "gauge", "Time since the broker was started.",
         at(broker.uptime_us) / 1e6);
  single(out, "quern_broker_clients", "gauge", "Connected clients.", at(broker.clients));
  single(out, "quern_memory_bytes", "gauge", "Memory of the broker that jobs take.",
         at(broker.memory_used));
  single(out, "quern_memory_limit_bytes", "gauge", "Memory of the broker that jobs may take.",
         at(broker.memory_limit));
  single(out, "quern_malformed_messages_total", "counter", "Received messages that were not valid.",
         at(broker.malformed));
  single(out, "quern_refused_sessions_total", "counter", "Sessions that the broker refused.",
         at(broker.refused));
  single(out, "quern_late_reports_total", "counter", "Reports of leases that were no longer valid.",
         at(broker.late));
  by_state(out, "quern_tasks", "Tasks of jobs that have not ended.",
           {{"pending", broker.tasks_pending}, {"leased", broker.tasks_leased}});
  by_state(out, "quern_jobs", "Jobs, also ended ones that are kept.",
           {{"waiting", broker.jobs_waiting},
            {"running", broker.jobs_running},
            {"paused", broker.jobs_paused},
            {"done", broker.jobs_done},
            {"failed", broker.jobs_failed},
            {"cancelled", broker.jobs_cancelled}});
  by_state(out, "quern_workers", "Workers; lost ones within the last hour.",
           {{"idle", broker.workers_idle},
            {"busy", broker.workers_busy},
            {"draining", broker.workers_draining},
            {"stuck", broker.workers_stuck},
            {"lost", broker.workers_lost}});
  describe(out, "quern_tasks_finished_total", "counter", "Tasks that have ended.");
  for (const auto& one : broker.functions)
    for (const auto& [outcome, count] : {std::pair{"done", one.tasks_done},
                                         {"failed", one.tasks_failed},
                                         {"cancelled", one.tasks_cancelled}})
      out += "quern_tasks_finished_total{function=\"" + label(one.function) + "\",outcome=\"" +
             outcome + "\"} " + std::to_string(count) + "\n";
  std::uint64_t leases = 0, lost = 0, retries = 0;
  for (const auto& one : broker.functions) {
    leases += one.leases;
    lost += one.leases_lost;
    retries += one.retries;
  }
  single(out, "quern_leases_total", "counter", "Leases that were granted.", at(leases));
  single(out, "quern_leases_lost_total", "counter", "Leases whose worker was lost.", at(lost));
  single(out, "quern_retries_total", "counter", "Runs of tasks beyond the first one.", at(retries));
  histogram(out, "quern_lease_seconds", "From the grant of a lease to its end.",
            broker.lease_seconds);
  histogram(out, "quern_wait_seconds", "From the submission of a job to its first lease.",
            broker.wait_seconds);
  return out;
}

std::string metrics_of(const GatewayStatus& gateway) {
  std::string out;
  describe(out, "quern_build_info", "gauge", "The version of the gateway; always 1.");
  out += std::string("quern_build_info{version=\"") + QUERN_VERSION_STRING + "\"} 1\n";
  single(out, "quern_broker_up", "gauge", "Whether the broker answers the gateway.",
         gateway.broker_up ? 1 : 0);
  single(out, "quern_http_connections", "gauge", "Open connections.", at(gateway.connections));
  single(out, "quern_sse_clients", "gauge", "Open streams of events.", at(gateway.sse_clients));
  single(out, "quern_gateway_sessions", "gauge", "Keys that use the gateway.",
         at(gateway.sessions));
  return out;
}

}  // namespace quern::gateway
