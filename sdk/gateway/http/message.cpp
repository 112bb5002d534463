#include "gateway/http/message.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace quern::gateway {

std::string Request::media_type() const {
  std::string type = field("content-type");
  type.resize(std::min(type.size(), type.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  for (char& c : type)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return type;
}

bool is_lines(std::string_view media_type) {
  return media_type == "application/x-ndjson" || media_type == "application/jsonl";
}

std::string_view phrase_of(unsigned status) {
  static constexpr std::pair<unsigned, std::string_view> kPhrases[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (const auto& [number, phrase] : kPhrases)
    if (number == status) return phrase;
  return "Unknown";
}

Response problem(unsigned status, std::string_view code, std::string_view text) {
  const nlohmann::ordered_json document = {{"type", "about:blank"},
                                           {"title", phrase_of(status)},
                                           {"status", status},
                                           {"code", code},
                                           {"detail", text}};
  Response response{status, "application/problem+json", {}, {}};
  response.body =
      document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
  if (status == 401) response.with("WWW-Authenticate", "Bearer realm=\"quern\"");
  return response;
}

}  // namespace quern::gateway
