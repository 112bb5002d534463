// Who answers which item: the decisions about work for people. Each item needs some answers of
// different people, and is done when enough of them agree. Pure: no threads, clocks, files.
//
// Invariants: nobody gets an item that he or she has answered, skipped or holds; an item has at
// most as many answers and holders as it needs answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/api/people_settings.hpp"

namespace quern::gateway {

using DeskTime = std::chrono::steady_clock::time_point;

/// An item over all restarts.
struct ItemName {
  std::string job;  ///< UUID
  std::uint64_t task = 0;
  auto operator<=>(const ItemName&) const = default;
};

struct PersonsAnswer {
  std::string by;
  Json answer;
  double seconds = 0;  ///< from the offer to the answer
};

/// What came out of an item.
struct ItemOutcome {
  bool agreed = false;
  Json answer;              ///< that enough people gave; null if they did not agree
  std::uint32_t votes = 0;  ///< for the most frequent answer
  std::vector<PersonsAnswer> answers;
  std::optional<Json> gold;
};

/// How somebody has answered so far.
struct PersonsRecord {
  std::uint64_t answers = 0;
  std::uint64_t gold = 0;        ///< answers to items whose right answer is known
  std::uint64_t gold_right = 0;  ///< of them
  std::uint64_t compared = 0;    ///< answers to items that are done and were agreed on
  std::uint64_t agreed = 0;      ///< of them, the same as what was agreed on
  std::uint64_t skipped = 0;
};

class Desk {
 public:
  struct Item {
    std::uint64_t number = 0;  ///< of the job, for people
    std::string function;
    std::string lease;  ///< the token under which the desk holds it
    PeopleSettings settings;
    PeopleItem content;
    bool closed = false;  ///< nobody gets it any more
    DeskTime touched{};   ///< the last time that somebody had to do with it
  };
  struct Offer {
    std::uint64_t id = 0;
    ItemName name;
    const Item* item = nullptr;  ///< valid until the next change
  };

  /// An item has come. Answers that were given earlier count.
  void add(const ItemName& name, Item item);
  /// It needs no more answers, or is being handed back.
  void close(const ItemName& name) { open_.at(name).closed = true; }
  /// It is not wanted any more; holders are told when they answer.
  void remove(const ItemName& name);
  bool has(const ItemName& name) const { return open_.contains(name); }
  std::size_t size() const { return open_.size(); }
  const Item* find(const ItemName& name) const;

  /// An item for somebody, of one of these functions; locked until `until`. Items that others have
  /// begun to answer come first.
  std::optional<Offer> offer(const std::string& who, const std::set<std::string>& functions,
                             DeskTime now, DeskTime until);
  /// Whose offer this is, and of which item; nothing if its lock has ended.
  std::optional<ItemName> held(std::uint64_t offer, const std::string& who, DeskTime now) const;
  /// Since the offer was made.
  double seconds(std::uint64_t offer, DeskTime now) const {
    return std::chrono::duration<double>(now - offers_.at(offer).since).count();
  }
  void extend(std::uint64_t offer, DeskTime until);
  /// As if the offer had not been made.
  void take_back(std::uint64_t offer) { let_go(offer); }
  /// Not offered to this person again.
  void skip(std::uint64_t offer);
  /// The answer of whoever holds the offer.
  void answer(std::uint64_t offer, Json answer, DeskTime now);
  /// An answer of an earlier gateway.
  void restore(const ItemName& name, PersonsAnswer answer, bool gold, bool right);
  /// What came out of an item of an earlier gateway.
  void restore_end(const ItemName& name, const std::optional<Json>& agreed);

  /// What came out of the item; nothing as long as more answers are needed.
  std::optional<ItemOutcome> outcome(const ItemName& name) const;
  /// The item is done: records who agreed, and forgets it.
  void finish(const ItemName& name, const ItemOutcome& outcome);
  /// Ends locks that are over.
  void expire(DeskTime now);

  const std::map<std::string, PersonsRecord>& people() const { return people_; }
  /// How many answers an item has, and how many people hold it.
  std::pair<std::size_t, std::size_t> progress(const ItemName& name) const;
  const std::map<ItemName, Item>& items() const { return open_; }
  /// The first violated invariant, or nothing.
  std::optional<std::string> broken_invariant() const;

 private:
  struct Held {
    ItemName name;
    std::string who;
    DeskTime since{};
    DeskTime until{};
  };
  bool may_have(const std::string& who, const ItemName& name, const Item& item) const;
  void let_go(std::uint64_t offer);
  void compare(const std::vector<PersonsAnswer>& answers, const Json& agreed);

  std::map<ItemName, Item> open_;
  std::map<ItemName, std::vector<PersonsAnswer>> answers_;  ///< also of items that are not here
  std::map<ItemName, std::set<std::string>> skipped_;
  std::map<ItemName, std::set<std::string>> holders_;  ///< of the offers
  std::map<std::uint64_t, Held> offers_;
  std::map<std::string, PersonsRecord> people_;
  std::uint64_t last_offer_ = 0;
};

}  // namespace quern::gateway
