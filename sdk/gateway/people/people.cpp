#include "gateway/people/people.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "gateway/pull/answers.hpp"
#include "keys/sodium.hpp"
#include "notation/base64.hpp"
#include "quern/value.hpp"

namespace quern::gateway {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kTokenBytes = 16;
constexpr std::size_t kDoneMost = 10'000, kWaitersMost = 1000, kItemsMost = 10'000;
// How long a pull worker waits for an item before it is asked again.
constexpr auto kFetchWait = 20s;
// Of the leases behind items. They are extended long before.
constexpr auto kLeaseLock = 7 * 24h;
constexpr auto kExtendEvery = 1h;
constexpr auto kCheckJobsEvery = 5s;
// An item that nobody has touched for so long is handed back: another gateway may have people.
constexpr auto kIdle = 10min;
// So long an item with answers is looked for whose lease was lost.
constexpr auto kMissedFor = 10min;

/// The answer that a request of the desk has got; nothing yet.
std::optional<Response> answer_of(const std::shared_ptr<Exchange>& exchange) {
  auto answer = exchange->take_answer();
  if (answer) exchange->conclude(true);
  return answer;
}

Json outcome_json(const ItemOutcome& outcome) {
  Json answers = Json::array();
  for (const PersonsAnswer& one : outcome.answers)
    answers.push_back({{"by", one.by}, {"answer", one.answer}, {"seconds", one.seconds}});
  Json result = {{"answer", outcome.answer},
                 {"agreed", outcome.agreed},
                 {"votes", outcome.votes},
                 {"answers", std::move(answers)}};
  if (outcome.gold) result["gold"] = *outcome.gold;
  return result;
}

Response gone() {
  return problem(409, "expired",
                 "The lock of this item is over, or the item is not wanted any more.");
}

Response no_item() { return json_answer({{"leases", Json::array()}}); }

Response counted() { return json_answer({{"counted", 1}, {"not_counted", 0}}); }

}  // namespace

People::People(Api& api, pull::PullWorkers& workers, std::string token, const std::string& file)
    : api_(api), workers_(workers), token_(std::move(token)), log_(file) {
  for (const std::string& function : log_.load(desk_))
    missed_[function] = Clock::now() + kMissedFor;
}

std::string People::name_of(const Identity& who, const std::string& worker) {
  // Without keys everybody is the same principal, and only the name of the worker tells them apart.
  if (who.token.empty()) return worker.empty() ? who.id : worker;
  return who.grant ? who.grant->name : who.id;
}

Identity People::identity() const {
  if (token_.empty()) return {"anonymous", "", std::nullopt};
  auto found = api_.sessions().identity_with(token_, Request{});
  if (auto* who = std::get_if<Identity>(&found)) return std::move(*who);
  throw BadRequest(std::get<Response>(found));
}

Caller People::caller() const {
  if (!token_.empty()) return api_.sessions().caller_with(token_);
  auto found = api_.sessions().caller_of(Request{});
  if (auto* who = std::get_if<Caller>(&found)) return std::move(*who);
  throw BadRequest(std::get<Response>(found));
}

// ---- items that come

void People::pull(const std::shared_ptr<Exchange>& exchange, Wish wish) {
  if (token_.empty() && !api_.sessions().options().insecure)
    throw BadRequest(problem(501, "denied",
                             "This gateway serves no people: start it with --people-token FILE, a "
                             "token of the role work."));
  if (!log_.is_ours())
    throw BadRequest(problem(503, "store",
                             "Another gateway serves people with the same file of answers: give "
                             "this one a file of its own (--state).")
                         .with("Retry-After", "60"));
  const auto now = Clock::now();
  std::lock_guard lock(mutex_);
  if (waiters_.size() >= kWaitersMost)
    throw BadRequest(
        problem(429, "limit", "Too many people wait for work.").with("Retry-After", "5"));
  if (give_again({exchange, wish, now}, now)) return;
  const auto functions = wish.functions;
  const auto until = now + wish.wait;
  waiters_.push_back({exchange, std::move(wish), until});
  serve_waiters(now);
  if (waiters_.empty() || waiters_.back().exchange != exchange) return;
  try {
    fetch(functions);
  } catch (const BadRequest&) {
    waiters_.pop_back();
    throw;
  }
}

void People::fetch(const std::vector<std::string>& functions) {
  const bool is_asked = std::any_of(fetches_.begin(), fetches_.end(),
                                    [&](const Fetch& one) { return one.functions == functions; });
  if (is_asked || desk_.size() >= kItemsMost) return;
  pull::Pull wanted;
  wanted.ticket = workers_.next_ticket();
  wanted.token = notation::base64(keys::random_bytes(kTokenBytes), notation::Base64::url);
  wanted.worker = "people";
  wanted.lock = kLeaseLock;
  wanted.until = Clock::now() + kFetchWait;
  const auto exchange =
      std::make_shared<Exchange>(Request{}, [this] { api_.run([this] { take_fetched(); }); });
  fetches_.push_back({exchange, functions});
  for (int i = 0; i < 2; ++i) {  // a worker may leave at any moment; a second one has just come
    const auto worker =
        workers_.worker_for(identity(), functions, Encoding::value, pull::Who::people);
    if (worker && worker->pull(exchange, wanted)) return;
  }
  fetches_.pop_back();
  throw BadRequest(pull::left());
}

void People::take_fetched() {
  std::vector<std::pair<Fetch, Response>> answered;
  {
    std::lock_guard lock(mutex_);
    for (Fetch& one : fetches_)
      if (auto answer = answer_of(one.exchange)) answered.emplace_back(one, std::move(*answer));
    std::erase_if(fetches_, [&](const Fetch& one) {
      return std::any_of(answered.begin(), answered.end(),
                         [&](const auto& entry) { return entry.first.exchange == one.exchange; });
    });
  }
  for (const auto& [one, answer] : answered) {
    if (answer.status == 200)
      take_items(Json::parse(answer.body, nullptr, false));
    else
      refuse_waiters(one.functions, answer);
  }
  std::lock_guard lock(mutex_);
  serve_waiters(Clock::now());
}

void People::take_items(const Json& answer) {
  if (!answer.is_object() || !answer.contains("leases")) return;
  for (const Json& lease : answer["leases"]) {
    const auto number = lease["job"].is_string() ? std::stoull(lease["job"].get<std::string>())
                                                 : lease["job"].get<std::uint64_t>();
    const auto task = lease["task"].is_string() ? std::stoull(lease["task"].get<std::string>())
                                                : lease["task"].get<std::uint64_t>();
    Desk::Item item;
    item.number = number;
    item.function = lease["function"].get<std::string>();
    item.lease = lease["token"].get<std::string>();
    const bool has_common = lease.contains("common") && !is_deep(lease["common"]);
    item.settings = people_settings_of(has_common ? std::optional(lease["common"]) : std::nullopt);
    item.content = is_deep(lease["input"])
                       ? PeopleItem{.input = "This item is nested too deeply to be shown."}
                       : people_item_of(lease["input"]);
    item.touched = Clock::now();
    const ItemName name{lease["uuid"].get<std::string>(), task};
    std::lock_guard lock(mutex_);
    desk_.add(name, std::move(item));
    settle(name);
  }
}

void People::refuse_waiters(const std::vector<std::string>& functions, const Response& why) {
  std::lock_guard lock(mutex_);
  for (Waiter& waiter : waiters_)
    if (waiter.wish.functions == functions) waiter.exchange->respond(why);
  std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.wish.functions == functions; });
}

void People::serve_waiters(DeskTime now) {
  desk_.expire(now);
  std::deque<Waiter> rest;
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    // Who was refused meanwhile is answered, and must not get an item as well.
    if (waiter.exchange->gone() || waiter.exchange->is_answered()) continue;
    const auto offer =
        desk_.offer(waiter.wish.who, {waiter.wish.functions.begin(), waiter.wish.functions.end()},
                    now, now + waiter.wish.lock);
    if (offer)
      give(waiter, *offer);
    else if (now >= waiter.until)
      waiter.exchange->respond(no_item());
    else
      rest.push_back(std::move(waiter));
  }
  waiters_ = std::move(rest);
}

void People::give(const Waiter& waiter, const Desk::Offer& offer) {
  const std::string token =
      "p." + notation::base64(keys::random_bytes(kTokenBytes), notation::Base64::url);
  given_[token] = {offer.id, waiter.wish.who, waiter.wish.key, waiter.wish.request_id};
  send_offer(waiter, token, offer);
}

void People::send_offer(const Waiter& waiter, const std::string& token, const Desk::Offer& offer) {
  waiter.exchange->respond(offer_answer(token, offer, waiter.wish));
  // Whoever has left before the answer has nothing.
  waiter.exchange->on_outcome([this, token, sent = given_.at(token).sent](bool written) {
    if (!written) api_.run([this, token, sent] { take_back(token, sent); });
  });
}

bool People::give_again(const Waiter& waiter, DeskTime now) {
  const Wish& wish = waiter.wish;
  if (wish.request_id.empty()) return false;
  // If the earlier request still waits, nobody reads its answer any more.
  std::erase_if(waiters_, [&](const Waiter& one) {
    const bool is_earlier = one.wish.key == wish.key && one.wish.who == wish.who &&
                            one.wish.request_id == wish.request_id;
    if (is_earlier) one.exchange->respond(no_item());
    return is_earlier;
  });
  for (auto& [token, given] : given_) {
    if (given.done || given.key != wish.key || given.who != wish.who ||
        given.request_id != wish.request_id)
      continue;
    const auto name = desk_.held(given.offer, given.who, now);
    if (!name) continue;
    desk_.extend(given.offer, now + wish.lock);
    ++given.sent;
    send_offer(waiter, token, {given.offer, *name, desk_.find(*name)});
    return true;
  }
  return false;
}

void People::take_back(const std::string& token, std::uint64_t sent) {
  std::lock_guard lock(mutex_);
  const auto found = given_.find(token);
  if (found == given_.end() || found->second.done || found->second.sent != sent) return;
  const auto now = Clock::now();
  if (desk_.held(found->second.offer, found->second.who, now)) desk_.take_back(found->second.offer);
  given_.erase(found);
  serve_waiters(now);
}

Response People::offer_answer(const std::string& token, const Desk::Offer& offer,
                              const Wish& wish) {
  const Desk::Item& item = *offer.item;
  const Json lease = {
      {"token", token},
      {"job", item.number},
      {"task", offer.name.task},
      {"function", item.function},
      {"attempt", 1},
      {"lock_s", std::chrono::duration<double>(wish.lock).count()},
      {"encoding", "value"},
      {"input", item.content.input},
      {"schema", item.content.schema.is_null() ? item.settings.schema : item.content.schema},
      {"title", item.settings.title},
      {"instructions", item.settings.instructions}};
  return json_answer({{"batch", token},
                      {"lock_s", std::chrono::duration<double>(wish.lock).count()},
                      {"leases", Json::array({lease})}});
}

// ---- what people say

Response People::say(const Identity& who, const std::string& token, const std::string& verb,
                     Fields& fields) {
  std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const auto found = given_.find(token);
  if (found == given_.end() || found->second.key != who.id) return gone();
  Given& given = found->second;
  if (given.done) return counted();
  const auto name = desk_.held(given.offer, given.who, now);
  if (!name) return gone();
  if (verb == "extend") {
    const auto lock_s = fields.number("lock_s", 0.1, 7.0 * 24 * 3600).value_or(3600);
    fields.finish();
    desk_.extend(given.offer, now + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(lock_s)));
    return json_answer(
        {{"lock_s", lock_s}, {"cancelled", false}, {"cancelled_places", Json::array()}});
  }
  if (verb == "release") {
    fields.finish();
    desk_.skip(given.offer);
    given_.erase(found);
    return counted();
  }
  if (verb == "fail") {
    const std::string text = fields.text("error").value_or("");
    if (text.empty()) throw BadRequest("The field \"error\" must say what went wrong.");
    fields.flag("permanent");
    fields.finish();
    remember(found);
    send(*name, pull::Fail{given.who + ": " + text, true}, std::nullopt);
    return counted();
  }
  if (!fields.is_given("result")) throw BadRequest("Give the field \"result\".");
  Json answer = fields.raw("result");
  fields.finish();
  const Response done = complete(given, *name, std::move(answer), now);
  if (done.status == 200) remember(found);
  return done;
}

void People::remember(std::map<std::string, Given>::iterator token) {
  token->second.done = true;
  done_.push_back(token->first);
  if (done_.size() <= kDoneMost) return;
  given_.erase(done_.front());
  done_.pop_front();
}

Response People::complete(const Given& given, const ItemName& name, Json answer, DeskTime now) {
  const auto& gold = desk_.find(name)->content.gold;
  try {
    // First, so that an answer that counts is never lost.
    log_.add(name, desk_.find(name)->function, {given.who, answer, desk_.seconds(given.offer, now)},
             gold.has_value(), gold && answer == *gold);
  } catch (const std::system_error& error) {
    return problem(503, "store", "The answer cannot be stored: " + std::string(error.what()) + '.')
        .with("Retry-After", "5");
  }
  desk_.answer(given.offer, std::move(answer), now);
  settle(name);
  return counted();
}

// ---- items that are done

void People::settle(const ItemName& name) {
  const Desk::Item* item = desk_.find(name);
  if (!item || item->closed) return;
  auto outcome = desk_.outcome(name);
  if (!outcome) return;
  auto value = value_from_json(outcome_json(*outcome).dump());
  send(name, pull::Complete{{value.value_or(Bytes{})}}, std::move(outcome));
}

void People::send(const ItemName& name, pull::Statement statement,
                  std::optional<ItemOutcome> outcome) {
  const Desk::Item& item = *desk_.find(name);
  desk_.close(name);
  const auto token = pull::token_of(item.lease);
  const auto worker = token ? workers_.find(identity(), token->worker) : nullptr;
  const auto exchange =
      std::make_shared<Exchange>(Request{}, [this] { api_.run([this] { take_endings(); }); });
  endings_.push_back({exchange, name, item.lease, std::move(outcome)});
  if (!worker || !worker->say(exchange, workers_.next_ticket(), token->named, std::move(statement)))
    exchange->respond(gone());
}

void People::take_endings() {
  std::lock_guard lock(mutex_);
  std::erase_if(endings_, [&](const Ending& ending) {
    const auto answer = answer_of(ending.exchange);
    if (!answer) return false;
    const Desk::Item* item = desk_.find(ending.name);
    if (!item || item->lease != ending.lease) return true;  // it came again meanwhile
    // Not counted: the lease was lost, or the job has ended. If the item comes again, its answers
    // are still there.
    if (answer->status == 200 && ending.outcome) {
      desk_.finish(ending.name, *ending.outcome);
      try {
        log_.end(ending.name,
                 ending.outcome->agreed ? std::optional(ending.outcome->answer) : std::nullopt);
      } catch (const std::system_error&) {
        // Then its answers are read again at the next start, and belong to no item.
      }
    } else {
      if (ending.outcome) missed_[item->function] = Clock::now() + kMissedFor;
      desk_.remove(ending.name);
    }
    return true;
  });
}

// ---- time

void People::sweep() {
  // A broker that does not answer must not hold one thread more each second.
  if (sweeping_.test_and_set()) return;
  struct Swept {
    std::atomic_flag& flag;
    ~Swept() { flag.clear(); }
  } swept{sweeping_};
  take_fetched();
  take_endings();
  const auto now = Clock::now();
  if (now - jobs_checked_ > kCheckJobsEvery) {
    jobs_checked_ = now;
    drop_ended_jobs();
  }
  std::lock_guard lock(mutex_);
  serve_waiters(now);
  std::erase_if(given_, [&](const auto& entry) {
    return !entry.second.done && !desk_.held(entry.second.offer, entry.second.who, now);
  });
  for (const Waiter& waiter : waiters_) {
    try {
      fetch(waiter.wish.functions);
    } catch (const BadRequest& bad) {
      waiter.exchange->respond(bad.answer);
    }
  }
  std::erase_if(missed_, [&](const auto& entry) { return entry.second <= now; });
  for (const auto& [function, until] : missed_) {
    try {
      if (!function.empty()) fetch({function});
    } catch (const BadRequest&) {
      // asked again in a second
    }
  }
  hand_back_idle(now);
}

void People::drop_ended_jobs() {
  std::set<std::uint64_t> jobs;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, item] : desk_.items()) jobs.insert(item.number);
  }
  for (const std::uint64_t number : jobs) {
    try {
      const Caller caller = this->caller();
      if (!is_final(caller.client->job(JobNumber{number}).state)) continue;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unknown_job && error.code() != ErrorCode::expired) continue;
    }
    std::lock_guard lock(mutex_);
    std::vector<ItemName> over;
    for (const auto& [name, item] : desk_.items())
      if (item.number == number && !item.closed) over.push_back(name);
    for (const ItemName& name : over) desk_.remove(name);
  }
}

void People::hand_back_idle(DeskTime now) {
  const bool extends = now - extended_ > kExtendEvery;
  if (extends) extended_ = now;
  std::vector<ItemName> idle;
  for (const auto& [name, item] : desk_.items()) {
    if (item.closed) continue;
    if (desk_.progress(name).second == 0 && now - item.touched > kIdle) idle.push_back(name);
    if (!extends) continue;
    const auto token = pull::token_of(item.lease);
    if (const auto worker = token ? workers_.find(identity(), token->worker) : nullptr)
      worker->say(std::make_shared<Exchange>(Request{}, [] {}), workers_.next_ticket(),
                  token->named, pull::Extend{kLeaseLock});
  }
  for (const ItemName& name : idle) send(name, pull::Release{}, std::nullopt);
}

Response People::show() const {
  std::lock_guard lock(mutex_);
  Json open = Json::array(), people = Json::array();
  for (const auto& [name, item] : desk_.items()) {
    const auto [answers, holders] = desk_.progress(name);
    open.push_back({{"job", item.number},
                    {"task", name.task},
                    {"function", item.function},
                    {"answers", answers},
                    {"wanted", item.settings.answers},
                    {"holders", holders}});
    if (open.size() == 1000) break;
  }
  for (const auto& [name, record] : desk_.people())
    people.push_back({{"name", name},
                      {"answers", record.answers},
                      {"skipped", record.skipped},
                      {"gold", record.gold},
                      {"gold_right", record.gold_right},
                      {"compared", record.compared},
                      {"agreed", record.agreed}});
  return json_answer({{"open", std::move(open)}, {"people", std::move(people)}});
}

}  // namespace quern::gateway
