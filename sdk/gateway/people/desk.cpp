#include "gateway/people/desk.hpp"

#include <algorithm>
#include <utility>

namespace quern::gateway {
namespace {

template <typename Map>
std::size_t count_of(const Map& map, const ItemName& name) {
  const auto found = map.find(name);
  return found == map.end() ? 0 : found->second.size();
}

/// The most frequent answer, and how often it was given; of equally frequent ones, the first.
std::pair<const Json*, std::uint32_t> most_frequent(const std::vector<PersonsAnswer>& answers) {
  const Json* best = nullptr;
  std::uint32_t votes = 0;
  for (const PersonsAnswer& one : answers) {
    const auto same = static_cast<std::uint32_t>(
        std::count_if(answers.begin(), answers.end(),
                      [&](const PersonsAnswer& other) { return other.answer == one.answer; }));
    if (same <= votes) continue;
    best = &one.answer;
    votes = same;
  }
  return {best, votes};
}

}  // namespace

void Desk::add(const ItemName& name, Item item) { open_.insert_or_assign(name, std::move(item)); }

void Desk::remove(const ItemName& name) {
  open_.erase(name);
  skipped_.erase(name);
  holders_.erase(name);
  std::erase_if(offers_, [&](const auto& entry) { return entry.second.name == name; });
}

const Desk::Item* Desk::find(const ItemName& name) const {
  const auto found = open_.find(name);
  return found == open_.end() ? nullptr : &found->second;
}

bool Desk::may_have(const std::string& who, const ItemName& name, const Item& item) const {
  const auto has = [&](const auto& people) {
    const auto found = people.find(name);
    return found != people.end() && found->second.contains(who);
  };
  if (has(skipped_) || has(holders_)) return false;
  const auto answers = answers_.find(name);
  if (answers != answers_.end() &&
      std::any_of(answers->second.begin(), answers->second.end(),
                  [&](const PersonsAnswer& one) { return one.by == who; }))
    return false;
  return count_of(answers_, name) + count_of(holders_, name) < item.settings.answers;
}

std::optional<Desk::Offer> Desk::offer(const std::string& who,
                                       const std::set<std::string>& functions, DeskTime now,
                                       DeskTime until) {
  const std::pair<const ItemName, Item>* best = nullptr;
  std::size_t most = 0;
  for (const auto& entry : open_) {
    if (entry.second.closed || !functions.contains(entry.second.function) ||
        !may_have(who, entry.first, entry.second))
      continue;
    const std::size_t answers = count_of(answers_, entry.first);
    if (best && answers <= most) continue;
    best = &entry;
    most = answers;
  }
  if (!best) return std::nullopt;
  offers_[++last_offer_] = {best->first, who, now, until};
  holders_[best->first].insert(who);
  open_.at(best->first).touched = now;
  return Offer{last_offer_, best->first, &best->second};
}

std::optional<ItemName> Desk::held(std::uint64_t offer, const std::string& who,
                                   DeskTime now) const {
  const auto found = offers_.find(offer);
  if (found == offers_.end() || found->second.who != who || found->second.until <= now)
    return std::nullopt;
  return found->second.name;
}

void Desk::extend(std::uint64_t offer, DeskTime until) { offers_.at(offer).until = until; }

void Desk::skip(std::uint64_t offer) {
  const Held held = offers_.at(offer);
  let_go(offer);
  skipped_[held.name].insert(held.who);
  ++people_[held.who].skipped;
}

void Desk::answer(std::uint64_t offer, Json answer, DeskTime now) {
  const Held held = offers_.at(offer);
  const double seconds = this->seconds(offer, now);
  let_go(offer);
  const auto& gold = open_.at(held.name).content.gold;
  const bool right = gold && answer == *gold;
  restore(held.name, {held.who, std::move(answer), seconds}, gold.has_value(), right);
}

void Desk::restore(const ItemName& name, PersonsAnswer answer, bool gold, bool right) {
  auto& answers = answers_[name];
  if (std::any_of(answers.begin(), answers.end(),
                  [&](const PersonsAnswer& one) { return one.by == answer.by; }))
    return;
  PersonsRecord& record = people_[answer.by];
  ++record.answers;
  record.gold += gold;
  record.gold_right += gold && right;
  answers.push_back(std::move(answer));
}

void Desk::restore_end(const ItemName& name, const std::optional<Json>& agreed) {
  const auto found = answers_.find(name);
  if (found == answers_.end()) return;
  if (agreed) compare(found->second, *agreed);
  answers_.erase(found);
}

std::optional<ItemOutcome> Desk::outcome(const ItemName& name) const {
  const auto item = open_.find(name);
  const auto answers = answers_.find(name);
  if (item == open_.end() || answers == answers_.end()) return std::nullopt;
  const PeopleSettings& settings = item->second.settings;
  const auto [best, votes] = most_frequent(answers->second);
  const bool agreed = votes >= settings.agree;
  if (!agreed && answers->second.size() < settings.answers) return std::nullopt;
  return ItemOutcome{agreed, agreed ? *best : Json(), votes, answers->second,
                     item->second.content.gold};
}

void Desk::compare(const std::vector<PersonsAnswer>& answers, const Json& agreed) {
  for (const PersonsAnswer& one : answers) {
    PersonsRecord& record = people_[one.by];
    ++record.compared;
    record.agreed += one.answer == agreed;
  }
}

void Desk::finish(const ItemName& name, const ItemOutcome& outcome) {
  if (outcome.agreed) compare(outcome.answers, outcome.answer);
  answers_.erase(name);
  remove(name);
}

void Desk::expire(DeskTime now) {
  std::vector<std::uint64_t> over;
  for (const auto& [id, held] : offers_)
    if (held.until <= now) over.push_back(id);
  for (const std::uint64_t id : over) let_go(id);
}

void Desk::let_go(std::uint64_t offer) {
  const auto found = offers_.find(offer);
  const auto holders = holders_.find(found->second.name);
  holders->second.erase(found->second.who);
  if (holders->second.empty()) holders_.erase(holders);
  offers_.erase(found);
}

std::pair<std::size_t, std::size_t> Desk::progress(const ItemName& name) const {
  return {count_of(answers_, name), count_of(holders_, name)};
}

std::optional<std::string> Desk::broken_invariant() const {
  std::size_t held = 0;
  for (const auto& [name, who] : holders_) held += who.size();
  if (held != offers_.size()) return "the holders differ from the offers";
  for (const auto& [id, offer] : offers_) {
    if (!open_.contains(offer.name)) return "an item that is not here is held";
    const auto answers = answers_.find(offer.name);
    if (answers == answers_.end()) continue;
    for (const PersonsAnswer& one : answers->second)
      if (one.by == offer.who) return "somebody holds an item that he or she has answered";
  }
  for (const auto& [name, item] : open_) {
    const auto [answers, holders] = progress(name);
    if (holders > 0 && answers + holders > item.settings.answers)
      return "an item has more answers and holders than it needs";
  }
  return std::nullopt;
}

}  // namespace quern::gateway
