// What Beast has read as plain data. For the connection only, because Beast takes long to compile.
#pragma once

#include <optional>
#include <string>

#include <boost/beast/http.hpp>

#include "gateway/http/message.hpp"
#include "gateway/http/screening.hpp"

namespace quern::gateway {

inline Head head_of(const boost::beast::http::request<boost::beast::http::empty_body>& request) {
  Head head{
      request.version(), std::string(request.method_string()), std::string(request.target()), {}};
  for (const auto& field : request) {
    std::string name(field.name_string());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    head.fields.emplace_back(std::move(name), std::string(field.value()));
  }
  return head;
}

/// The answer to bytes that are not a request; nothing if the peer has left or is too slow.
inline std::optional<Response> answer_to(const boost::system::error_code& error) {
  using Kind = boost::beast::http::error;
  if (error == Kind::end_of_stream || error == Kind::partial_message) return std::nullopt;
  if (error == Kind::header_limit)
    return problem(431, "limit", "The head of a request may have 8 KiB.");
  if (error.category() == make_error_code(Kind::end_of_stream).category())
    return problem(400, "malformed", "This is not an HTTP request: " + error.message() + ".");
  return std::nullopt;
}

}  // namespace quern::gateway
