#include "bench/round_trips.hpp"

#include <stdexcept>

#include "bench/measure.hpp"
#include "bench/payload.hpp"

namespace quern::bench {
namespace {

constexpr std::uint64_t kWarmUp = 50;

std::vector<double> round_trips(Client& client, std::uint64_t count) {
  std::vector<double> samples;
  samples.reserve(count);
  Bytes payload(kRoundTripPayload, 'x');
  for (std::uint64_t i = 0; i < count; ++i) {
    put_index(payload.data(), i);
    const auto start = Clock::now();
    const Bytes result = client.submit("noop", Whole{payload}).get();
    samples.push_back(seconds_since(start) * 1e6);
    if (!is_result_of(result, i, kIndexBytes))
      throw std::runtime_error("task " + std::to_string(i) + ": the result is wrong");
  }
  return samples;
}

BaselineOrder baseline_order(std::uint64_t count) {
  BaselineOrder order;
  order.tasks = count;
  order.batch = 1;
  order.window = 1;
  order.payload = kRoundTripPayload;
  order.result = kIndexBytes;
  return order;
}

}  // namespace

void Percentiles::add(const std::vector<double>& samples) {
  p50.push_back(quantile(samples, 0.5));
  p99.push_back(quantile(samples, 0.99));
}

void warm_up(Rig& rig) {
  rig.baseline().run(baseline_order(kWarmUp));
  round_trips(rig.client(), kWarmUp);
}

void measure_round_trips(Rig& rig, std::uint64_t count, RoundTrips& found) {
  found.bare.add(rig.baseline().run(baseline_order(count)).round_trips_us);
  found.ours.add(round_trips(rig.client(), count));
}

}  // namespace quern::bench
