// The gateway's sessions with the broker: one client per token that is in use. The gateway has no
// rights of its own; whoever asks it has those of the key that the token is.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/broker/grants.hpp"
#include "gateway/broker/login_cookies.hpp"
#include "gateway/http/message.hpp"
#include "quern/client.hpp"

namespace quern::gateway {

struct SessionOptions {
  std::string endpoint;
  std::string keys;       ///< folder with the broker's public key
  bool insecure = false;  ///< the broker knows no keys: everybody is the same principal
};

/// Somebody who asks, and the session that asks the broker for them.
struct Caller {
  std::shared_ptr<Client> client;
  std::string id;         ///< the public key; "anonymous" without keys
  bool may_exec = false;  ///< the key's line names `exec` among its functions
};

/// A session in which nothing is followed yet, to read the results of one job. Reading consumes the
/// results of a handle, and a client has one handle per job, so readers do not share sessions.
class Reader {
 public:
  Reader(std::shared_ptr<Client> client, std::function<void(std::shared_ptr<Client>)> give_back)
      : client_(std::move(client)), give_back_(std::move(give_back)) {}
  ~Reader() { give_back_(std::move(client_)); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Client& client() { return *client_; }

 private:
  std::shared_ptr<Client> client_;
  std::function<void(std::shared_ptr<Client>)> give_back_;
};

/// Somebody who asks, as far as that is known without asking the broker.
struct Identity {
  std::string id;                    ///< the public key; "anonymous" without keys
  std::string token;                 ///< empty without keys
  std::optional<keys::Grant> grant;  ///< the key's line, if the broker's keys are on this machine
};

class Sessions {
 public:
  Sessions(SessionOptions options, LoginCookies cookies);

  /// Who sent the request, by its Authorization field or by the cookie of a login; or why that is
  /// unknown (401, 403, 429). Opens no session. Any thread.
  std::variant<Identity, Response> identity_of(const Request& request);
  /// Whose token this is, as far as `request` may use it; or why it is not accepted.
  std::variant<Identity, Response> identity_with(const std::string& token, const Request& request);
  /// Counts a wrong token or code of an address; the answer to it.
  Response reject(const Request& request, const std::string& why);

  /// The same with the caller's session. Does not ask the broker. Any thread.
  std::variant<Caller, Response> caller_of(const Request& request);
  /// The session of this token.
  Caller caller_with(const std::string& token);
  /// A session of the same caller that nobody else uses meanwhile. Must not outlive this object.
  std::unique_ptr<Reader> reader_for(const Caller& caller);
  /// Closes sessions that nobody has used for a minute. Blocks while they close.
  void sweep();
  std::size_t open() const;
  const SessionOptions& options() const { return options_; }
  const LoginCookies& cookies() const { return cookies_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    std::shared_ptr<Client> client;
    std::string token;
    Clock::time_point used;
    std::vector<std::shared_ptr<Client>> readers{};  ///< idle ones
  };
  struct Failures {
    unsigned count = 0;
    Clock::time_point since;
  };
  std::string id_of(const std::string& token);
  std::optional<Response> throttled(const std::string& address);
  std::shared_ptr<Client> new_client(const std::string& token) const;
  Caller open_session(const std::string& id, const std::string& token, bool may_exec);

  const SessionOptions options_;
  const LoginCookies cookies_;
  Grants grants_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> sessions_;             ///< by public key
  std::map<std::string, Failures> failures_;          ///< by address
  std::unordered_map<std::string, std::string> ids_;  ///< public keys of tokens in use
};

/// A text of the SDK or the broker as a sentence: with a capital letter and a full stop.
std::string sentence(std::string text);
/// The problem document of an error of the SDK.
Response problem_of(ErrorCode code, const std::string& text);

}  // namespace quern::gateway
