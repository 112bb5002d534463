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
  /// Binds all endpoints. Throws zmq::error_t if one cannot be bound. Serves nobody before run().
  /// `guard` must outlive it.
  Router(zmq::context_t& context, const std::vector<std::string>& endpoints, Config config,
         Guard& guard);

  /// Continues from the state in the store, and maintains it from now on. Call before run().
  void use_store(std::unique_ptr<Store> store, Recovered&& recovered);

  /// The endpoints with port 0 resolved.
  const std::vector<std::string>& endpoints() const { return bound_; }

  /// Runs on the calling thread until `stop_fd` is readable; then sends BYE to all peers and
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
  void transmit(PeerId peer, const wire::Envelope& envelope, const wire::Piggybacked& piggybacked,
                wire::Time now);
  /// When the next acknowledgements are sent separately.
  std::optional<wire::Time> waiting_until();
  /// Sends those that are due by `until`.
  void send_waiting(wire::Time until, wire::Time now);
  void act(Audit& audit);
  void act(AskEnrol& ask);
  void carry_out(wire::Time now);
  std::optional<wire::Time> next_deadline();
  /// Tells the core if the wall clock was set.
  void look_at_clock(wire::Time now);
  PeerId peer_of(std::string_view routing_id);
  void forget_strangers();
  void end_misplaced(const KeysChanged& keys, wire::Time now);

  /// Acknowledgements that are piggybacked on the next message to a peer.
  struct Waiting {
    wire::SessionId session{};
    wire::Piggybacked piggybacked;
    wire::Time until{};  ///< when they are sent separately
  };

  /// The routing id and the address of a peer.
  struct Route {
    std::string routing_id;
    std::string address;
    std::string user;
    bool fresh = true;  ///< no message was received from it yet
    Waiting waiting;
  };
  std::string address_of(PeerId peer) const;

  /// Whether one more message of an unknown key from this address is processed: each can cause a
  /// line in two logs.
  bool hears_stranger(const std::string& address, wire::Time now);

  Guard& guard_;
  runtime::Socket socket_;
  runtime::Origin origin_;         ///< of the message being read
  wire::Piggybacked piggybacked_;  ///< with it
  std::vector<std::string> bound_;
  Core core_;
  Effects effects_;  ///< being carried out; a member, so that its memory is reused
  std::unordered_map<std::string, PeerId> peers_;
  std::unordered_map<PeerId, Route> routes_;
  std::unordered_set<PeerId> enrolling_;  ///< without a session, but with an answer pending
  std::vector<PeerId> strangers_;  ///< peers without a session that sent messages in this round
  std::deque<std::pair<PeerId, wire::Time>>
      waiting_;  ///< peers with waiting acknowledgements and their due time, in order; some may
                 ///< have been sent already
  std::unordered_map<std::string, Budget> stranger_budgets_;  ///< by address
  wire::Time passed_by_told_{};
  /// Wall clock minus steady clock, as the core was told.
  std::optional<std::chrono::milliseconds> wall_offset_;
  std::uint64_t last_peer_ = 0;
  runtime::Mailbox<StoreEvent> store_events_;
  std::unique_ptr<StoreActor> store_;  // after its mailbox, so that it is destroyed first
};

}  // namespace quern::broker
