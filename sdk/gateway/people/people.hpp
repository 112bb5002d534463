// Work for people: the desk, its answers on disk, and the leases behind its items. To the pull
// workers it is a client like any other: it pulls items when somebody waits for one, and completes
// them with what came out.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "gateway/api/api.hpp"
#include "gateway/people/answer_log.hpp"
#include "gateway/people/desk.hpp"
#include "gateway/pull/workers.hpp"

namespace quern::gateway {

/// Any thread may call anything. Nothing blocks for longer than a write to the disk, except for
/// sweep().
class People {
 public:
  /// `token`: of the key under which the gateway takes leases for people; without one (and with
  /// keys), nobody can pull. `file`: of the answers; empty: they are not kept.
  People(Api& api, pull::PullWorkers& workers, std::string token, const std::string& file);

  /// Somebody wants an item of one of these functions; waits for at most `wait`.
  struct Wish {
    std::string who;
    std::string key;
    std::vector<std::string> functions;  ///< sorted
    std::chrono::milliseconds lock{};
    std::chrono::milliseconds wait{};
    std::string request_id{};  ///< a repetition with the same text gets the same item; empty: none
  };
  void pull(const std::shared_ptr<Exchange>& exchange, Wish wish);
  /// What somebody says about an item that he or she holds: "complete", "fail", "release" or
  /// "extend". Answers at once.
  Response say(const Identity& who, const std::string& token, const std::string& verb,
               Fields& fields);
  /// Whether a token is one of an item for people.
  static bool is_token(const std::string& token) { return token.starts_with("p."); }
  /// The name under which somebody's answers are kept.
  static std::string name_of(const Identity& who, const std::string& worker);

  /// What is open, and how good the answers of each person are.
  Response show() const;
  /// Takes in what was pulled, serves who waits, ends locks. Called every second; asks the broker.
  void sweep();

 private:
  struct Waiter {
    std::shared_ptr<Exchange> exchange;
    Wish wish;
    DeskTime until{};
  };
  struct Given {
    std::uint64_t offer = 0;
    std::string who;
    std::string key;         ///< of whoever got it: nobody else may speak for it
    std::string request_id;  ///< of the request that got it
    std::uint64_t sent = 1;  ///< how often the item was sent as an answer to that request
    bool done = false;       ///< completed, so that a repetition gets the same answer
  };
  /// A request to a pull worker that is not answered yet.
  struct Fetch {
    std::shared_ptr<Exchange> exchange;
    std::vector<std::string> functions;
  };
  struct Ending {
    std::shared_ptr<Exchange> exchange;
    ItemName name;
    std::string lease;                   ///< the one that is ended
    std::optional<ItemOutcome> outcome;  ///< none: handed back
  };

  Identity identity() const;
  Caller caller() const;
  /// A repetition of what was said with this token gets the same answer.
  void remember(std::map<std::string, Given>::iterator token);
  void fetch(const std::vector<std::string>& functions);
  void take_fetched();
  void take_items(const Json& answer);
  void refuse_waiters(const std::vector<std::string>& functions, const Response& why);
  void serve_waiters(DeskTime now);
  void give(const Waiter& waiter, const Desk::Offer& offer);
  /// Whether this wish repeats an earlier one, which is answered again.
  bool give_again(const Waiter& waiter, DeskTime now);
  void send_offer(const Waiter& waiter, const std::string& token, const Desk::Offer& offer);
  /// The `sent`-th answer with this item did not arrive.
  void take_back(const std::string& token, std::uint64_t sent);
  static Response offer_answer(const std::string& token, const Desk::Offer& offer,
                               const Wish& wish);
  void settle(const ItemName& name);
  void send(const ItemName& name, pull::Statement statement, std::optional<ItemOutcome> outcome);
  void take_endings();
  void drop_ended_jobs();
  void hand_back_idle(DeskTime now);
  Response complete(const Given& given, const ItemName& name, Json answer, DeskTime now);

  Api& api_;
  pull::PullWorkers& workers_;
  const std::string token_;
  mutable std::mutex mutex_;
  Desk desk_;
  AnswerLog log_;
  std::deque<Waiter> waiters_;
  std::vector<Fetch> fetches_;
  std::vector<Ending> endings_;
  std::map<std::string, Given> given_;  ///< by token
  std::deque<std::string> done_;        ///< tokens that are remembered, the oldest first
  DeskTime jobs_checked_{}, extended_{};
  /// Functions of items that are done, or have answers, but are not here: they are fetched until
  /// then.
  std::map<std::string, DeskTime> missed_;
  std::atomic_flag sweeping_{};
};

}  // namespace quern::gateway
