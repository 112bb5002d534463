#include "gateway/pull/core_pullers.hpp"

#include <algorithm>
#include <vector>

namespace quern::gateway::pull {
namespace {

// Somebody who has not pulled for so long is not counted on.
constexpr std::chrono::seconds kPresent{60};
constexpr std::size_t kSeenMost = 10'000;
constexpr std::size_t kSkipsMost = 10'000;
// The broker's first leases take a moment.
constexpr std::chrono::milliseconds kFirstLeases{250};

}  // namespace

void WaitingPulls::add(Pull pull) {
  const Ticket ticket = pull.ticket;
  due_.emplace(pull.until, ticket);
  if (!pull.request_id.empty()) by_request_[pull.request_id] = ticket;
  wanted_ += pull.max;
  pulls_.emplace(ticket, std::move(pull));
}

std::optional<Pull> WaitingPulls::remove(Ticket ticket) {
  auto node = pulls_.extract(ticket);
  if (!node) return std::nullopt;
  Pull& pull = node.mapped();
  due_.erase({pull.until, ticket});
  wanted_ -= pull.max;
  if (const auto request = by_request_.find(pull.request_id);
      request != by_request_.end() && request->second == ticket)
    by_request_.erase(request);
  return std::move(pull);
}

void WaitingPulls::defer(Pull pull, Time until) {
  pull.until = until;
  pull.is_deferred = true;
  add(std::move(pull));
}

void WaitingPulls::on_open(Time now) {
  std::vector<Ticket> deferred;
  for (const auto& [ticket, pull] : pulls_)
    if (pull.is_deferred) deferred.push_back(ticket);
  for (const Ticket ticket : deferred) defer(*remove(ticket), now + kFirstLeases);
}

std::optional<Ticket> WaitingPulls::find_request(const std::string& request_id) const {
  const auto at = by_request_.find(request_id);
  return at == by_request_.end() ? std::nullopt : std::optional(at->second);
}

std::optional<Ticket> WaitingPulls::next_due(Time now) const {
  return due_.empty() || due_.begin()->first > now ? std::nullopt
                                                   : std::optional(due_.begin()->second);
}

std::optional<Time> WaitingPulls::next_deadline() const {
  return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

void Skips::on_pull(const std::string& worker, Time now) {
  if (seen_.size() >= kSeenMost)
    std::erase_if(seen_, [&](const auto& entry) { return now - entry.second > kPresent; });
  if (seen_.size() >= kSeenMost) seen_.clear();
  seen_[worker] = now;
}

void Skips::add(const Uuid& job, std::uint64_t task, const std::string& worker) {
  const auto [at, fresh] = skips_.insert({{job, task}, worker});
  if (fresh) order_.push_back(*at);
  if (order_.size() <= kSkipsMost) return;
  skips_.erase(order_.front());
  order_.pop_front();
}

bool Skips::is_left_to_others(const Uuid& job, std::uint64_t task, const std::string& worker,
                              Time now) const {
  if (!skips_.contains({{job, task}, worker})) return false;
  return std::any_of(seen_.begin(), seen_.end(), [&](const auto& entry) {
    return entry.first != worker && now - entry.second <= kPresent &&
           !skips_.contains({{job, task}, entry.first});
  });
}

}  // namespace quern::gateway::pull
