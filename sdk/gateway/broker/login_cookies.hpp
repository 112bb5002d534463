// How a browser stays logged in: a cookie that contains a token, sealed with a key of this gateway.
// The gateway remembers nothing, so a login survives its restart; revoking the key of the token
// ends it.
#pragma once

#include <optional>
#include <string>

#include "gateway/http/message.hpp"

namespace quern::gateway {

class LoginCookies {
 public:
  /// `key`: 32 bytes; the same key recognises the cookies of an earlier gateway. `secure`: browsers
  /// send the cookie over TLS only. Throws nothing; any thread may call the functions.
  LoginCookies(std::string key, bool secure);

  /// The key in a file, which is made if it does not exist; without a file, a new one. Throws
  /// KeyError.
  static std::string key_in(const std::string& file);

  /// The token in the cookie of a request; nothing if there is none, or if it has expired.
  std::optional<std::string> token_in(const Request& request) const;
  /// The value of Set-Cookie that logs a browser in, and the one that logs it out. Without a Path,
  /// a browser sends it to the folder of the request that set it: the API, under any prefix.
  std::string issue(const std::string& token) const;
  std::string clear() const;

 private:
  std::string attributes() const;

  const std::string key_;
  const std::string name_;  ///< cookies do not depend on the port, so gateways need different names
  const bool secure_;
};

/// Whether a browser has said that the request comes from a page of this gateway. (That it comes
/// from elsewhere is refused for all requests; see http/screening.hpp.)
bool says_same_origin(const Request& request);

}  // namespace quern::gateway
