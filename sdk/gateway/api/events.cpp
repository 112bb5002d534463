#include "gateway/api/events.hpp"

#include <algorithm>
#include <charconv>

#include "gateway/api/jobs.hpp"
#include "keys/sodium.hpp"
#include "notation/hex.hpp"

namespace quern::gateway {
namespace {

constexpr double kPeriod_s = 1;
constexpr unsigned kQuietMost_s = 15;  ///< then a comment shows that the connection is alive
// A client that comes back within this time gets what it has missed: the next question tells how
// everything differs from what was known.
constexpr unsigned kUnwatchedMost_s = 60;
constexpr std::size_t kRecentMost = 1000;
constexpr std::size_t kJobsMost = 1000;
constexpr std::size_t kWatchersMost = 10'000;
constexpr std::size_t kDeliveredAtOnce = 256;

std::string new_epoch() {
  std::string text;
  for (const char c : keys::random_bytes(4))
    notation::append_hex(text, static_cast<unsigned char>(c));
  return text;
}

std::set<std::string> topics_in(const std::string& list) {
  std::set<std::string> topics;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    topics.insert(list.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const auto& topic : topics)
    if (topic != "jobs" && topic != "workers")
      throw BadRequest("The parameter \"topics\" may name jobs and workers, separated by a comma.");
  return topics;
}

std::string topic_of(const std::string& key) { return key.substr(0, key.find('/')); }

}  // namespace

Events::Events(Api& api) : api_(api), epoch_(new_epoch()) {}

void Events::add_routes(Routes& routes) {
  routes.add("GET", "/v1/events", BodyForm::none,
             [this](const std::shared_ptr<Exchange>& exchange, const Variables&) {
               const Response error = guarded([&]() -> Response {
                 watch(exchange);
                 return {0, "", "", {}};
               });
               if (error.status != 0) exchange->respond(error);
             });
}

std::size_t Events::clients() const {
  std::size_t count = 0;
  for (const auto& [id, feed] : feeds_) count += feed.watchers.size();
  return count;
}

void Events::watch(const std::shared_ptr<Exchange>& exchange) {
  auto caller = api_.sessions().caller_of(exchange->request);
  if (auto* refused = std::get_if<Response>(&caller)) return exchange->respond(*refused);
  if (clients() >= kWatchersMost)
    throw BadRequest(problem(503, "queue_full", "Too many streams of events are open.")
                         .with("Retry-After", "10"));
  const auto topics =
      topics_in(exchange->request.target.parameter("topics").value_or("jobs,workers"));
  Feed& feed = feeds_[std::get<Caller>(caller).id];
  feed.caller = std::get<Caller>(caller);
  feed.watchers.push_back(std::make_shared<Watcher>(
      Watcher{exchange, topics, exchange->request.field("last-event-id")}));
  Response head;
  head.type = "text/event-stream";
  head.with("X-Accel-Buffering", "no");
  head.body = "retry: 2000\n\n";
  exchange->begin(std::move(head));
  exchange->request = {};  // nobody needs it any more, and the stream may last for hours
  // Before the first state is known, a change after the greeting could be missed.
  if (!feed.seen.empty()) greet(feed, *feed.watchers.back());
  if (!std::exchange(ticking_, true)) tick();
}

/// Replays what the client has missed, or tells it to fetch everything anew.
void Events::greet(const Feed& feed, Watcher& watcher) const {
  watcher.greeted = true;
  const std::string& last_id = watcher.last_id;
  const std::string prefix = epoch_ + ".";
  std::uint64_t last = 0;
  const bool is_ours =
      last_id.starts_with(prefix) &&
      std::from_chars(last_id.data() + prefix.size(), last_id.data() + last_id.size(), last).ec ==
          std::errc{};
  const bool is_known =
      is_ours && last <= feed.sequence &&
      (feed.recent.empty() ? last == feed.sequence : last + 1 >= feed.recent.front().sequence);
  if (!is_known) {
    watcher.exchange->offer(resync(feed));
    return;
  }
  for (const Event& event : feed.recent)
    if (event.sequence > last && watcher.topics.contains(event.topic))
      watcher.exchange->offer(event.text);
}

std::string Events::resync(const Feed& feed) const {
  return "id: " + epoch_ + "." + std::to_string(feed.sequence) + "\nevent: resync\ndata: {}\n\n";
}

void Events::tick() {
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    Feed& feed = it->second;
    std::erase_if(feed.watchers, [](const auto& one) { return one->exchange->gone(); });
    feed.unwatched_s = feed.watchers.empty() ? feed.unwatched_s + 1 : 0;
    if (feed.unwatched_s > kUnwatchedMost_s && !feed.asking) {
      it = feeds_.erase(it);
      continue;
    }
    if (++feed.quiet_s >= kQuietMost_s) {
      feed.quiet_s = 0;
      for (const auto& watcher : feed.watchers) watcher->exchange->offer(": still here\n\n");
    }
    if (!feed.asking && !feed.watchers.empty()) ask(it->first, feed);
    ++it;
  }
  ticking_ = !feeds_.empty();
  if (ticking_) api_.server().after(kPeriod_s, [this] { tick(); });
}

void Events::ask(const std::string& id, Feed& feed) {
  const auto wants = [&](const char* topic) {
    return std::any_of(feed.watchers.begin(), feed.watchers.end(),
                       [&](const auto& one) { return one->topics.contains(topic); });
  };
  feed.asking =
      api_.run([this, id, caller = feed.caller, jobs = wants("jobs"), workers = wants("workers")] {
        auto news = std::make_shared<News>(news_of(caller, jobs, workers));
        api_.server().post([this, id, news] { take(id, *news); });
      });
}

Events::News Events::news_of(const Caller& caller, bool jobs, bool workers) {
  News news;
  try {
    if (jobs)
      for (const auto& status : caller.client->jobs(kJobsMost))
        news.states.emplace("jobs/" + std::to_string(value(status.number)), job_json(status));
    if (workers)
      for (const auto& status : caller.client->workers())
        news.states.emplace("workers/" + status.name, json::to_json(status));
  } catch (const Error& error) {
    news.failed = true;  // the next question tells when the broker is back
    if (error.code() == ErrorCode::refused || error.code() == ErrorCode::denied)
      news.refused = error.what();
  }
  return news;
}

void Events::take(const std::string& id, const News& news) {
  const auto found = feeds_.find(id);
  if (found == feeds_.end()) return;
  Feed& feed = found->second;
  if (!news.refused.empty()) return dismiss(id, news.refused);
  if (news.failed) {
    feed.asking = false;
    return;
  }
  const bool is_first = feed.seen.empty();
  const std::uint64_t before = feed.sequence;
  std::map<std::string, std::string> seen;
  for (const auto& [key, state] : news.states) {
    // What passes by itself is no news.
    std::string essence = state.contains("version")
                              ? state["version"].get<std::string>()
                              : state["state"].get<std::string>() + " " + state["leases"].dump() +
                                    " " + state["tasks_done"].dump();
    const auto known = feed.seen.find(key);
    if (!is_first && (known == feed.seen.end() || known->second != essence))
      publish(feed, topic_of(key), state);
    seen.emplace(key, std::move(essence));
  }
  feed.seen = std::move(seen);
  if (feed.seen.empty()) feed.seen.emplace("none", "");
  deliver(id, feed, before);
  for (const auto& watcher : feed.watchers)
    if (!watcher->greeted) greet(feed, *watcher);
}

void Events::dismiss(const std::string& id, const std::string& why) {
  const std::string last =
      "event: end\ndata: " + json::line_of({{"code", "denied"}, {"detail", sentence(why)}}) + "\n";
  for (const auto& watcher : feeds_.at(id).watchers) {
    watcher->exchange->offer(last);
    watcher->exchange->end();
  }
  feeds_.erase(id);  // what others may see must not be replayed when the key comes back
}

void Events::publish(Feed& feed, const std::string& topic, const Json& state) {
  Event event{++feed.sequence, topic, {}};
  Json exact = state;
  make_exact(exact);
  event.text = "id: " + epoch_ + "." + std::to_string(event.sequence) +
               "\nevent: " + (topic == "jobs" ? "job" : "worker") +
               "\ndata: " + json::line_of(exact) + "\n";
  feed.quiet_s = 0;
  feed.recent.push_back(std::move(event));
  if (feed.recent.size() > kRecentMost) feed.recent.pop_front();
}

void Events::deliver(const std::string& id, Feed& feed, std::uint64_t sequence) {
  const auto delivery = std::make_shared<Delivery>();
  delivery->feed = id;
  for (const auto& watcher : feed.watchers) {
    if (!watcher->greeted) continue;  // the greeting says where it stands
    delivery->watchers.push_back(watcher);
    const auto [text, is_new] = delivery->texts.try_emplace(watcher->topics);
    if (!is_new) continue;
    if (feed.sequence - sequence > feed.recent.size()) {
      text->second = resync(feed);  // some are not kept any more
      continue;
    }
    for (const Event& event : feed.recent)
      if (event.sequence > sequence && watcher->topics.contains(event.topic))
        text->second += event.text;
  }
  deliver_some(delivery);
}

/// Some at a time: what is on its way to all of ten thousand watchers would take more memory than
/// everything else about them.
void Events::deliver_some(const std::shared_ptr<Delivery>& delivery) {
  const std::size_t end = std::min(delivery->next + kDeliveredAtOnce, delivery->watchers.size());
  for (std::size_t& i = delivery->next; i < end; ++i) {
    Watcher& watcher = *delivery->watchers[i];
    const std::string& text = delivery->texts.at(watcher.topics);
    // A client that reads too slowly is cut; when it comes back, it gets what it has missed.
    if (!text.empty() && !watcher.exchange->offer(text)) watcher.exchange->end(false);
  }
  if (end < delivery->watchers.size())
    return api_.server().post([this, delivery] { deliver_some(delivery); });
  const auto feed = feeds_.find(delivery->feed);
  if (feed != feeds_.end()) feed->second.asking = false;
}

}  // namespace quern::gateway
