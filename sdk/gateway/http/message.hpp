// A request and an answer as plain data, independent of the library that reads and writes them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http/target.hpp"

namespace quern::gateway {

struct Request {
  std::string method;  ///< "GET"; HEAD arrives as GET
  Target target;
  std::map<std::string, std::string> fields;  ///< by name in lower case
  std::string address;                        ///< of the peer; empty for a unix socket
  std::string body;                           ///< unless the route reads it as a stream
  bool head_only = false;                     ///< HEAD: nobody gets to see the body of the answer

  /// The value of a header field; empty if it is not given.
  const std::string& field(const std::string& name) const {
    static const std::string none;
    const auto found = fields.find(name);
    return found == fields.end() ? none : found->second;
  }
  /// The media type of the body in lower case, without parameters.
  std::string media_type() const;
};

struct Response {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;

  Response& with(std::string name, std::string value) {
    fields.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

/// Whether a media type is that of one JSON value per line.
bool is_lines(std::string_view media_type);

/// The standard phrase of a status, e.g. "Not Found"; "Unknown" for one that the gateway never
/// sends.
std::string_view phrase_of(unsigned status);

/// A problem document (RFC 9457): `text` says what happened and what to do. `code` is the word that
/// the broker and the command line use for the error, or one of the gateway's own.
Response problem(unsigned status, std::string_view code, std::string_view text);

}  // namespace quern::gateway
