// The router actor: owns the one ROUTER and the core, and is the core's only caller. One loop:
// read everything that arrived, from peers and from the store, let the core act once, send. Routing
// ids never leave this file.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>
#include <zmq.hpp>

#include "broker/actors/guard.hpp"
#include "broker/actors/store_actor.hpp"
#include "broker/core/base/budget.hpp"
#include "broker/core/core.hpp"
#include "runtime/socket.hpp"
#include "wire/codec.hpp"

namespace quern::broker {

class Router {
 public:
  /// Binds all endpoints. Throws zmq::error_t when one cannot be bound. Nobody is served before
  /// run(). `guard` must outlive it.
  Router(zmq::context_t& context, const std::vector<std::string>& endpoints, Config config,
         Guard& guard);

  /// Goes on from what the store has, and keeps it from now on. Before run().
  void use_store(std::unique_ptr<Store> store, Recovered&& recovered);

  /// The endpoints with port 0 resolved.
  const std::vector<std::string>& endpoints() const { return bound_; }

  /// Runs on the calling thread until `stop_fd` is readable; then says BYE to everybody and
  /// returns.
  void run(int stop_fd);

 private:
  void stop();
  bool read_all(wire::Time now);
  void read_store(wire::Time now);
  void read_guard(wire::Time now);
  void read_one(runtime::Parts&& parts, wire::Time now);
  struct Waiting;
  void act(Send& send, wire::Time now);
  void flush(PeerId peer, Waiting& waiting, wire::Time now);
  void transmit(PeerId peer, const wire::Envelope& envelope, const wire::Riders& riders,
                wire::Time now);
  /// When the next acknowledgements go by themselves.
  std::optional<wire::Time> waiting_until();
  /// Sends those whose time has come by `until`.
  void send_waiting(wire::Time until, wire::Time now);
  void act(Audit& audit);
  void act(AskEnrol& ask);
  void carry_out(wire::Time now);
  std::optional<wire::Time> next_deadline();
  PeerId peer_of(std::string_view routing_id);
  void forget_strangers();
  void end_misplaced(const KeysChanged& keys, wire::Time now);

  /// Acknowledgements that go with the next message to a peer.
  struct Waiting {
    wire::SessionId session{};
    wire::Riders riders;
    wire::Time until{};  ///< then they go by themselves
  };

  /// How to reach a peer, and where it is.
  struct Route {
    std::string routing_id;
    std::string address;
    std::string user;
    bool fresh = true;  ///< nothing was heard of it yet
    Waiting waiting;
  };
  std::string address_of(PeerId peer) const;

  /// Whether one more message of an unknown key from this address is heard: each may cost a line in
  /// two logs.
  bool hears_stranger(const std::string& address, wire::Time now);

  Guard& guard_;
  runtime::Socket socket_;
  runtime::Origin origin_;  ///< of the message being read
  wire::Riders riders_;     ///< with it
  std::vector<std::string> bound_;
  Core core_;
  Effects effects_;  ///< being carried out; kept, because memory that is used again is warm
  std::unordered_map<std::string, PeerId> peers_;
  std::unordered_map<PeerId, Route> routes_;
  std::unordered_set<PeerId> enrolling_;  ///< without a session, but an answer is on its way
  std::vector<PeerId> strangers_;         ///< heard in this round without a session
  std::deque<std::pair<PeerId, wire::Time>>
      waiting_;  ///< whose acknowledgements wait until when, in order; some have gone out meanwhile
  std::unordered_map<std::string, Budget> stranger_budgets_;  ///< by address
  wire::Time passed_by_told_{};
  std::uint64_t last_peer_ = 0;
  runtime::Mailbox<StoreEvent> store_events_;
  std::unique_ptr<StoreActor> store_;  // after its mailbox: it ends first
};

}  // namespace quern::broker
