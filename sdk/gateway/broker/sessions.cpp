#include "gateway/broker/sessions.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "keys/error.hpp"
#include "keys/token.hpp"

namespace quern::gateway {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdle = 60s;
constexpr std::size_t kSessionsMax = 1000;
// Wrong tokens that an address may send in a minute, and how many addresses are remembered.
constexpr unsigned kFailuresMax = 20;
constexpr auto kFailuresKept = 60s;
constexpr std::size_t kFailingAddressesMax = 10'000;
// A client of HTTP can wait by itself, so it is told soon that there is no broker.
constexpr auto kFirstWait = 3000ms;
constexpr auto kRetry = 2000ms;

constexpr std::string_view kBearer = "bearer ";

std::string token_in(const Request& request) {
  const std::string& field = request.field("authorization");
  if (field.size() <= kBearer.size()) return "";
  for (std::size_t i = 0; i < kBearer.size(); ++i)
    if ((field[i] | 0x20) != (kBearer[i] | 0x20)) return "";
  return field.substr(kBearer.size());
}

}  // namespace

Sessions::Sessions(SessionOptions options, LoginCookies cookies)
    : options_(std::move(options)), cookies_(std::move(cookies)), grants_(options_.keys) {}

std::variant<Caller, Response> Sessions::caller_of(const Request& request) {
  auto found = identity_of(request);
  if (auto* refused = std::get_if<Response>(&found)) return std::move(*refused);
  const Identity& who = std::get<Identity>(found);
  const bool may_exec =
      who.grant && std::find(who.grant->functions.begin(), who.grant->functions.end(), "exec") !=
                       who.grant->functions.end();
  return open_session(who.id, who.token, may_exec);
}

std::variant<Identity, Response> Sessions::identity_of(const Request& request) {
  if (options_.insecure) return Identity{"anonymous", "", std::nullopt};
  if (const std::string token = token_in(request); !token.empty())
    return identity_with(token, request);
  const auto token = cookies_.token_in(request);
  if (!token)
    return problem(401, "denied",
                   "Send a token as `Authorization: Bearer TOKEN`: the operator makes one with "
                   "`quern keys token NAME --role submit,read`.");
  // A browser adds the cookie by itself, so what changes something must come from the page.
  if (request.method != "GET" && !says_same_origin(request))
    return problem(403, "denied",
                   "A request with the cookie of a login must come from the page of the gateway; "
                   "programs send a token.");
  return identity_with(*token, request);
}

std::variant<Identity, Response> Sessions::identity_with(const std::string& token,
                                                         const Request& request) {
  try {
    const std::string id = id_of(token);
    auto grant = grants_.find(id);
    if (!grant && grants_.known())
      throw keys::KeyError("the token is unknown or revoked: ask the operator for a new one");
    if (grant && !keys::comes_from(grant->from, request.address))
      return problem(403, "denied",
                     "The key of " + grant->name + " is not allowed from " +
                         (request.address.empty() ? "this machine" : request.address) + ".");
    return Identity{id, token, std::move(grant)};
  } catch (const keys::KeyError& error) {
    return reject(request, std::string("The token is not accepted: ") + error.what() + ".");
  }
}

// What is right is never delayed: the wrong ones may come from others behind the same address.
Response Sessions::reject(const Request& request, const std::string& why) {
  if (auto too_many = throttled(request.address)) return *too_many;
  std::lock_guard lock(mutex_);
  if (failures_.size() > kFailingAddressesMax) failures_.clear();
  Failures& failures = failures_[request.address];
  if (failures.count++ == 0) failures.since = Clock::now();
  return problem(401, "denied", why);
}

/// The public key of a token. Deriving it takes longer than everything else about a request.
std::string Sessions::id_of(const std::string& token) {
  std::lock_guard lock(mutex_);
  if (const auto found = ids_.find(token); found != ids_.end()) return found->second;
  if (ids_.size() >= kSessionsMax) ids_.clear();
  return ids_.emplace(token, keys::pair_of_token(token).public_key).first->second;
}

Caller Sessions::caller_with(const std::string& token) {
  return open_session(id_of(token), token, false);
}

std::optional<Response> Sessions::throttled(const std::string& address) {
  std::lock_guard lock(mutex_);
  const auto found = failures_.find(address);
  if (found == failures_.end()) return std::nullopt;
  if (Clock::now() - found->second.since > kFailuresKept) {
    failures_.erase(found);
    return std::nullopt;
  }
  if (found->second.count < kFailuresMax) return std::nullopt;
  return problem(429, "limit",
                 "The token is not accepted, and too many wrong ones came from this address.")
      .with("Retry-After", "60");
}

std::shared_ptr<Client> Sessions::new_client(const std::string& token) const {
  ClientOptions options;
  options.endpoint = options_.endpoint;
  options.name = "quern-gateway";
  options.keys = options_.keys;
  options.token = token;
  options.insecure = options_.insecure;
  options.first_wait = kFirstWait;
  options.retry = kRetry;
  return std::make_shared<Client>(std::move(options));
}

std::unique_ptr<Reader> Sessions::reader_for(const Caller& caller) {
  std::lock_guard lock(mutex_);
  const auto found = sessions_.find(caller.id);
  if (found == sessions_.end()) throw Error(ErrorCode::shutdown, "the session was closed");
  auto& idle = found->second.readers;
  std::shared_ptr<Client> client;
  if (idle.empty()) {
    client = new_client(found->second.token);
  } else {
    client = std::move(idle.back());
    idle.pop_back();
  }
  return std::make_unique<Reader>(std::move(client),
                                  [this, id = caller.id](std::shared_ptr<Client> used) {
                                    std::lock_guard again(mutex_);
                                    const auto entry = sessions_.find(id);
                                    if (entry == sessions_.end()) return;
                                    entry->second.used = Clock::now();
                                    entry->second.readers.push_back(std::move(used));
                                  });
}

Caller Sessions::open_session(const std::string& id, const std::string& token, bool may_exec) {
  std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  auto found = sessions_.find(id);
  if (found == sessions_.end()) {
    if (sessions_.size() >= kSessionsMax)
      throw Error(ErrorCode::queue_full, "too many keys use the gateway at the same time");
    found = sessions_.emplace(id, Entry{new_client(token), token, now}).first;
  }
  found->second.used = now;
  return {found->second.client, id, may_exec};
}

void Sessions::sweep() {
  std::vector<Entry> idle;  // closed outside the lock
  std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    // A session that a request still uses has another owner.
    if (now - it->second.used > kIdle && it->second.client.use_count() == 1) {
      idle.push_back(std::move(it->second));
      it = sessions_.erase(it);
    } else {
      ++it;
    }
  }
}

std::size_t Sessions::open() const {
  std::lock_guard lock(mutex_);
  return sessions_.size();
}

std::string sentence(std::string text) {
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] & ~0x20);
  if (!text.ends_with('.')) text += '.';
  return text;
}

Response problem_of(ErrorCode code, const std::string& text) {
  const auto status = [&]() -> unsigned {
    switch (code) {
      case ErrorCode::unknown_job:
      case ErrorCode::lost:
        return 404;
      case ErrorCode::expired:
        return 410;
      case ErrorCode::denied:
        return 403;
      case ErrorCode::refused:
      case ErrorCode::role:
        return 401;
      case ErrorCode::bad_input:
      case ErrorCode::conflict:
      case ErrorCode::limit:
      case ErrorCode::malformed:
        return 422;
      case ErrorCode::queue_full:
      case ErrorCode::results_unread:
      case ErrorCode::store:
      case ErrorCode::no_broker:
      case ErrorCode::session:
      case ErrorCode::shutdown:
        return 503;
      default:
        return 500;
    }
  }();
  const std::string words = text.empty() ? std::string(to_string(code)) : text;
  Response response = problem(status, to_string(code), sentence(words));
  if (status == 503) response.with("Retry-After", "2");
  return response;
}

}  // namespace quern::gateway
