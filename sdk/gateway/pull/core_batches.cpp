#include "gateway/pull/core_batches.hpp"

#include <algorithm>

namespace quern::gateway::pull {
namespace {

// How long ended batches are remembered, beyond their lock, and how many of them.
constexpr std::chrono::seconds kRemembered{30};
constexpr std::size_t kRememberedMost = 50'000;

}  // namespace

std::size_t Batch::count(std::optional<std::size_t> named, TaskState state) const {
  if (named) return states[*named] == state ? 1 : 0;
  return static_cast<std::size_t>(std::count(states.begin(), states.end(), state));
}

Batch& Batches::add(const Pull& pull, Time now) {
  const BatchId id{++last_};
  Batch& batch = batches_[id];
  batch.id = id;
  batch.token = pull.token;
  batch.request_id = pull.request_id;
  batch.worker = pull.worker;
  batch.lock = pull.lock;
  batch.due = now + pull.lock;
  due_.emplace(batch.due, id);
  by_token_.emplace(batch.token, id);
  if (!batch.request_id.empty()) by_request_[batch.request_id] = id;
  return batch;
}

Batch* Batches::find(BatchId id) {
  const auto at = batches_.find(id);
  return at == batches_.end() ? nullptr : &at->second;
}

Batch* Batches::find(const std::string& token) {
  const auto at = by_token_.find(token);
  return at == by_token_.end() ? nullptr : find(at->second);
}

Batch* Batches::find_request(const std::string& request_id) {
  const auto at = request_id.empty() ? by_request_.end() : by_request_.find(request_id);
  if (at == by_request_.end()) return nullptr;
  Batch* batch = find(at->second);
  return batch && batch->locked > 0 ? batch : nullptr;
}

void Batches::note_answer(Batch& batch, Ticket ticket) {
  batch.answers.push_back(ticket);
  by_answer_[ticket] = batch.id;
}

Batch* Batches::take_answer(Ticket ticket) {
  const auto node = by_answer_.extract(ticket);
  Batch* batch = node ? find(node.mapped()) : nullptr;
  if (batch) std::erase(batch->answers, ticket);
  return batch;
}

void Batches::set_due(Batch& batch, Time due) {
  due_.erase({batch.due, batch.id});
  batch.due = due;
  due_.emplace(due, batch.id);
}

void Batches::retire(Batch& batch, Time now) {
  set_due(batch, std::max(batch.due, now + kRemembered));
  retired_.insert(batch.id);
  if (retired_.size() <= kRememberedMost) return;
  // The oldest one that nobody waits for.
  const Batch* oldest = find(*retired_.begin());
  if (oldest && oldest->unreported == 0 && oldest->id != batch.id) erase(oldest->id);
}

void Batches::erase(BatchId id) {
  const auto at = batches_.find(id);
  if (at == batches_.end()) return;
  const Batch& batch = at->second;
  due_.erase({batch.due, id});
  by_token_.erase(batch.token);
  for (const Ticket ticket : batch.answers) by_answer_.erase(ticket);
  retired_.erase(id);
  if (const auto request = by_request_.find(batch.request_id);
      request != by_request_.end() && request->second == id)
    by_request_.erase(request);
  batches_.erase(at);
}

Batch* Batches::next_due(Time now) {
  if (due_.empty() || due_.begin()->first > now) return nullptr;
  return find(due_.begin()->second);
}

std::optional<Time> Batches::next_deadline() const {
  return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

}  // namespace quern::gateway::pull
