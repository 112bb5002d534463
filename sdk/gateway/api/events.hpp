// GET /v1/events: what changes, as server-sent events. The broker is asked once a second per key,
// however many watch, and only while somebody does.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

/// All of it runs on the I/O thread, except for the questions.
class Events {
 public:
  explicit Events(Api& api);

  void add_routes(Routes& routes);
  /// Streams that are open.
  std::size_t clients() const;

 private:
  struct Event {
    std::uint64_t sequence = 0;
    std::string topic;
    std::string text;  ///< as it is sent
  };
  struct Watcher {
    std::shared_ptr<Exchange> exchange;
    std::set<std::string> topics;
    std::string last_id;  ///< the last event that it got in an earlier connection; or empty
    bool greeted = false;
  };
  /// What is known for one key.
  struct Feed {
    Caller caller;
    std::uint64_t sequence = 0;
    std::deque<Event> recent;  ///< to be replayed
    std::vector<Watcher> watchers;
    std::map<std::string, std::string> seen;  ///< the last state by "topic/name"
    bool asking = false;
    unsigned quiet_s = 0;      ///< since something was sent
    unsigned unwatched_s = 0;  ///< since the last watcher left, who may come back
  };
  struct News {
    std::map<std::string, Json> states;  ///< by "topic/name"
    bool failed = false;
  };

  void watch(const std::shared_ptr<Exchange>& exchange);
  void greet(const Feed& feed, Watcher& watcher) const;
  void tick();
  void ask(const std::string& id, Feed& feed);
  static News news_of(const Caller& caller, bool jobs, bool workers);
  void take(const std::string& id, const News& news);
  void publish(Feed& feed, const std::string& topic, const Json& state);
  static void offer(Watcher& watcher, const std::string& text);

  Api& api_;
  const std::string epoch_;  ///< another one for every start, so that old ids are recognised
  bool ticking_ = false;
  std::map<std::string, Feed> feeds_;  ///< by the caller's id
};

}  // namespace quern::gateway
