#include "gateway/api/job_cache.hpp"

#include "gateway/api/jobs.hpp"

namespace quern::gateway {
namespace {

constexpr std::chrono::seconds kFresh{1};
constexpr std::size_t kEntriesMost = 10'000;

void respond(const std::shared_ptr<Exchange>& exchange, const Response& answer) {
  exchange->respond(if_changed(answer, exchange->request));
}

}  // namespace

void JobCache::answer(const std::shared_ptr<Exchange>& exchange, const Caller& caller,
                      JobNumber number) {
  const auto now = Clock::now();
  const Key key{caller.id, number};
  if (entries_.size() >= kEntriesMost) make_room(now);
  Entry& entry = entries_[key];
  if (entry.has_answer && now - entry.asked < kFresh) return respond(exchange, entry.answer);
  if (api_.broker_is_gone())
    return exchange->respond(problem_of(ErrorCode::no_broker, "No broker answers"));
  entry.waiting.push_back(exchange);
  if (entry.waiting.size() > 1) return;  // the question is on its way
  entry.asked = now;
  ask(key, caller);
}

void JobCache::ask(const Key& key, const Caller& caller) {
  const bool taken = api_.run([this, key, caller] {
    auto answer = std::make_shared<Response>(
        api_.watched([&] { return job_answer(caller.client->job(key.second)); }));
    api_.server().post([this, key, caller, answer] { take(key, caller, std::move(*answer)); });
  });
  if (!taken)
    take(key, caller,
         problem(503, "queue_full", "Too many requests wait for the broker.")
             .with("Retry-After", "1"));
}

void JobCache::take(const Key& key, const Caller& caller, Response answer) {
  Entry& entry = entries_[key];
  if (std::exchange(entry.outdated, false)) return ask(key, caller);
  // Errors are not kept: a job that is unknown now may be submitted in a moment.
  entry.has_answer = answer.status == 200;
  entry.answer = std::move(answer);
  const Response given = entry.answer;
  for (const auto& exchange : std::exchange(entry.waiting, {})) respond(exchange, given);
}

void JobCache::forget(JobNumber number) {
  api_.server().post([this, number] {
    for (auto& [key, entry] : entries_) {
      if (key.second != number) continue;
      entry.has_answer = false;
      entry.outdated = !entry.waiting.empty();
    }
  });
}

void JobCache::make_room(Clock::time_point now) {
  std::erase_if(entries_, [&](const auto& one) {
    return one.second.waiting.empty() && now - one.second.asked >= kFresh;
  });
}

}  // namespace quern::gateway
