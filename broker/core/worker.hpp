// A connected worker: what it offers, what it holds, how fast it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "broker/core/lease.hpp"
#include "broker/core/rates.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

struct Worker {
  wire::SessionId session{};
  std::string name;
  wire::WorkerOffer offer;  ///< what of it its key may serve
  std::vector<FunctionDecl> functions;  ///< as it declared them
  std::vector<ReducerDecl> reducers;
  bool draining = false;
  std::set<wire::LeaseId> leases;
  double expected_s = 0;           ///< slot time of everything it holds
  std::uint64_t bytes_out = 0;     ///< payload bytes it holds
  std::uint64_t tasks_done = 0;
  wire::Time reported{};           ///< its last report
  std::uint64_t implausible = 0;   ///< reports that claim far less time than they took
  FunctionRecords records;
  std::unordered_set<Uuid> commons;  ///< jobs whose common input it has

  std::uint32_t slots() const {
    const auto& c = offer.capacity;
    return c.slots > c.stuck ? c.slots - c.stuck : 0;
  }
  bool offers(const std::string& function, Takes takes, Encoding encoding) const {
    return std::any_of(offer.functions.begin(), offer.functions.end(), [&](const auto& decl) {
      return decl.takes == takes && decl.encoding == encoding && decl.name == function;
    });
  }
  const ReducerDecl* reducer(const std::string& reducer_name) const {
    for (const auto& decl : offer.reducers)
      if (decl.name == reducer_name) return &decl;
    return nullptr;
  }
  /// Measured, else declared, else 0.
  double rate_of(const std::string& function) const {
    auto it = records.find(function);
    if (it != records.end() && it->second.rate.per_second() > 0) return it->second.rate.per_second();
    for (const auto& decl : offer.functions)
      if (decl.name == function && decl.rate > 0) return decl.rate;
    return 0;
  }
};

}  // namespace quern::broker
