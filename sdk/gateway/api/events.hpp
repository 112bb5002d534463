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
    std::vector<std::shared_ptr<Watcher>> watchers;
    std::map<std::string, std::string> seen;  ///< the last state by "topic/name"
    bool asking = false;                      ///< until the answer has been sent to all watchers
    unsigned quiet_s = 0;                     ///< since something was sent
    unsigned unwatched_s = 0;                 ///< since the last watcher left, who may come back
  };
  /// New events on their way to the watchers that were there when they happened.
  struct Delivery {
    std::string feed;
    std::vector<std::shared_ptr<Watcher>> watchers;
    std::map<std::set<std::string>, std::string> texts;  ///< by the topics that a watcher wants
    std::size_t next = 0;                                ///< of the watchers
  };
  struct News {
    std::map<std::string, Json> states;  ///< by "topic/name"
    bool failed = false;
    std::string refused;  ///< why the broker no longer answers this key at all
  };

  void watch(const std::shared_ptr<Exchange>& exchange);
  void greet(const Feed& feed, Watcher& watcher) const;
  /// The event that tells a client to fetch everything anew.
  std::string resync(const Feed& feed) const;
  void tick();
  void ask(const std::string& id, Feed& feed);
  static News news_of(const Caller& caller, bool jobs, bool workers);
  void take(const std::string& id, const News& news);
  /// The key lost its rights: tells its watchers and closes their streams.
  void dismiss(const std::string& id, const std::string& why);
  void publish(Feed& feed, const std::string& topic, const Json& state);
  /// Sends the events of `feed` after `sequence` to its watchers.
  void deliver(const std::string& id, Feed& feed, std::uint64_t sequence);
  void deliver_some(const std::shared_ptr<Delivery>& delivery);

  Api& api_;
  const std::string epoch_;  ///< another one for every start, so that old ids are recognised
  bool ticking_ = false;
  std::map<std::string, Feed> feeds_;  ///< by the caller's id
};

}  // namespace quern::gateway
