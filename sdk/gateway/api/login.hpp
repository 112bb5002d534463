// The routes of a browser's login: with a code that is used once, or with a token.
#pragma once

#include <mutex>
#include <string>

#include "gateway/api/api.hpp"
#include "gateway/http/routes.hpp"

namespace quern::gateway {

class Login {
 public:
  /// `token`: as which the code logs in; empty: there is no code.
  Login(Api& api, std::string token);

  /// The code, which is good for one login. Whoever started the gateway shows it to the person in
  /// front of it. Empty if there is none.
  const std::string& code() const { return code_; }
  void add_routes(Routes& routes);

 private:
  Response log_in(const Request& request);
  Response show(const Request& request);
  /// The token that the body names, directly or by the code; or why not.
  std::variant<std::string, Response> token_of(const Request& request);
  /// Takes the code away if it is this one.
  bool use(const std::string& code);
  Response identity(const Request& request, const Identity& who) const;

  Api& api_;
  const std::string token_;
  const std::string code_;
  std::mutex mutex_;
  bool is_used_ = false;
};

}  // namespace quern::gateway
