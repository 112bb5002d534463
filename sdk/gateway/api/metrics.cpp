#include "gateway/api/metrics.hpp"

#include <cstdio>

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

double at(std::uint64_t count) { return static_cast<double>(count); }

}  // namespace

void HttpMetrics::observe(const std::string& route, unsigned status, double seconds) {
  Histogram& histogram = requests_[{route.empty() ? "none" : route, status}];
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++histogram.counts[bucket];
  histogram.sum += seconds;
}

std::string HttpMetrics::text() const {
  std::string out;
  describe(out, "quern_http_request_seconds", "histogram",
           "Time from the head of a request to its answer.");
  for (const auto& [key, histogram] : requests_) {
    const std::string labels =
        "route=\"" + key.first + "\",code=\"" + std::to_string(key.second) + "\"";
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i <= kBounds.size(); ++i) {
      sum += histogram.counts[i];
      out += "quern_http_request_seconds_bucket{" + labels + ",le=\"" +
             (i < kBounds.size() ? number(kBounds[i]) : "+Inf") + "\"} " + std::to_string(sum) +
             "\n";
    }
    out += "quern_http_request_seconds_sum{" + labels + "} " + number(histogram.sum) + "\n";
    out += "quern_http_request_seconds_count{" + labels + "} " + std::to_string(sum) + "\n";
  }
  return out;
}

std::string metrics_of(const BrokerStatus& broker) {
  std::string out;
  single(out, "quern_broker_uptime_seconds", "gauge", "Time since the broker was started.",
         at(broker.uptime_us) / 1e6);
  single(out, "quern_broker_jobs", "gauge", "Jobs that have not ended.", at(broker.jobs));
  single(out, "quern_broker_workers", "gauge", "Connected workers.", at(broker.workers));
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
  return out;
}

std::string gateway_metrics(std::size_t connections, std::size_t sessions, bool broker_up) {
  std::string out;
  describe(out, "quern_build_info", "gauge", "The version of the gateway; always 1.");
  out += std::string("quern_build_info{version=\"") + QUERN_VERSION_STRING + "\"} 1\n";
  single(out, "quern_broker_up", "gauge", "Whether the broker answers the gateway.",
         broker_up ? 1 : 0);
  single(out, "quern_http_connections", "gauge", "Open connections.", at(connections));
  single(out, "quern_gateway_sessions", "gauge", "Keys that use the gateway.", at(sessions));
  return out;
}

}  // namespace quern::gateway
