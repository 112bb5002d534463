#include "broker/core/scheduling/need.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace quern::broker {

double amount_in(const std::string& text) {
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc{} || !std::isfinite(amount) || amount < 0) return -1;
  std::string unit(end, text.data() + text.size());
  if (!unit.empty() && unit.back() == 'B') unit.pop_back();
  double base = 1000;
  if (unit.size() == 2 && unit[1] == 'i') {
    base = 1024;
    unit.pop_back();
  }
  if (unit.empty()) return base == 1000 ? amount : -1;
  const auto power = std::string("KMGT").find(unit == "k" ? 'K' : unit[0]);
  if (unit.size() != 1 || power == std::string::npos) return -1;
  for (std::size_t i = 0; i <= power; ++i) amount *= base;
  return amount;
}

std::vector<std::pair<std::string, double>> Need::amounts(const Worker& worker) const {
  std::vector<std::pair<std::string, double>> out(resources.begin(), resources.end());
  for (const auto& [key, wanted] : require) {
    // A key that the worker has as a label is not an amount.
    if (worker.declared.offer.labels.contains(key)) continue;
    const double amount = amount_in(wanted);
    const auto named = std::find_if(out.begin(), out.end(),
                                    [&key = key](const auto& one) { return one.first == key; });
    if (named == out.end())
      out.emplace_back(key, amount);
    else
      named->second = amount < 0 ? amount : std::max(amount, named->second);
  }
  return out;
}

bool Need::suited(const Worker& worker) const {
  for (const auto& [key, wanted] : require)
    if (const auto label = worker.declared.offer.labels.find(key);
        label != worker.declared.offer.labels.end() && label->second != wanted)
      return false;
  const auto needed = amounts(worker);
  return std::all_of(needed.begin(), needed.end(), [&](const auto& r) {
    const double has = worker.resource(r.first);
    return r.second >= 0 && has > 0 && has >= r.second;
  });
}

bool Need::met_by(const Worker& worker) const {
  return !worker.marks.draining && worker.offers(function, takes, encoding) && suited(worker);
}

bool Need::free_on(const Worker& worker) const {
  if (unqueued && worker.holds.leases.size() >= worker.slots()) return false;
  if (plain()) return true;
  const auto needed = amounts(worker);
  return std::all_of(needed.begin(), needed.end(), [&](const auto& r) {
    const auto taken = worker.holds.taken.find(r.first);
    constexpr double kRounding = 1e-9;
    return (taken == worker.holds.taken.end() ? 0 : taken->second) + r.second <=
           worker.resource(r.first) * (1 + kRounding);
  });
}

void Need::count(Worker& worker, int sign) const {
  if (plain()) return;
  for (const auto& [name, amount] : amounts(worker)) {
    double& taken = worker.holds.taken[name];
    taken = std::max(0.0, taken + sign * amount);
  }
}

}  // namespace quern::broker
