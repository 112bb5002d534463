#include "gateway/http/screening.hpp"

#include <algorithm>
#include <charconv>

namespace quern::gateway {
namespace {

bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::vector<std::string_view> values_of(const Head& head, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [field, value] : head.fields)
    if (field == name) values.push_back(value);
  return values;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Fields that say how long the body is: at most one of the two, once, and in one form only.
std::optional<Response> length_refusal(const Head& head) {
  const auto lengths = values_of(head, "content-length");
  const auto codings = values_of(head, "transfer-encoding");
  if (lengths.size() + codings.size() > 1)
    return problem(400, "malformed",
                   "The length of the body is given twice: send either one Content-Length or one "
                   "Transfer-Encoding.");
  if (!lengths.empty() && !is_number(lengths[0]))
    return problem(400, "malformed", "Content-Length is not a number.");
  if (!codings.empty() && lower(codings[0]) != "chunked")
    return problem(501, "malformed", "The only Transfer-Encoding that is understood is chunked.");
  if (!codings.empty() && head.version < 11)
    return problem(400, "malformed", "Transfer-Encoding needs HTTP/1.1.");
  return std::nullopt;
}

std::optional<Response> host_refusal(const Head& head, const HostNames& names) {
  const auto hosts = values_of(head, "host");
  if (hosts.size() != 1) return problem(400, "malformed", "A request has exactly one Host field.");
  if (std::find(names.begin(), names.end(), host_name(hosts[0])) == names.end())
    return problem(421, "denied",
                   "The gateway does not serve this Host: its operator can add the name with "
                   "`quern-gateway --host NAME`.");
  return std::nullopt;
}

bool has(const Head& head, std::string_view name, std::string_view value) {
  const auto values = values_of(head, name);
  return values.size() == 1 && values[0] == value;
}

/// Somebody follows a link from elsewhere to the page, which shows nothing by itself.
bool is_visit(const Head& head) {
  return head.method == "GET" && head.target.substr(0, head.target.find('?')) == "/" &&
         has(head, "sec-fetch-mode", "navigate") && has(head, "sec-fetch-dest", "document");
}

/// Browsers say where a request comes from. A page of another site may not use the rights that the
/// address of its reader has here, whatever the method.
std::optional<Response> site_refusal(const Head& head) {
  if (is_visit(head)) return std::nullopt;
  const Response refused =
      problem(403, "denied", "Pages of other sites may not send requests to the gateway.");
  for (const auto site : values_of(head, "sec-fetch-site"))
    if (site != "same-origin" && site != "none") return refused;
  for (const auto origin : values_of(head, "origin")) {
    const std::size_t scheme = origin.find("://");
    const auto hosts = values_of(head, "host");
    if (scheme == origin.npos || hosts.empty() ||
        lower(origin.substr(scheme + 3)) != lower(hosts[0]))
      return refused;
  }
  return std::nullopt;
}

}  // namespace

std::string host_name(std::string_view host) {
  const bool is_v6 = host.starts_with('[');
  const std::size_t end = is_v6 ? host.find(']') : host.find(':');
  if (is_v6 && end == host.npos) return "";
  const std::string_view name = host.substr(0, is_v6 ? end + 1 : end);
  const std::string_view rest = host.substr(name.size());
  if (!rest.empty() && (rest[0] != ':' || !is_number(rest.substr(1)) || rest.size() > 6)) return "";
  return lower(name);
}

std::optional<Response> refusal_of(const Head& head, const HostNames& names) {
  if (head.version != 10 && head.version != 11)
    return problem(505, "version", "The gateway speaks HTTP/1.0 and HTTP/1.1.");
  if (head.method.empty() ||
      !std::all_of(head.method.begin(), head.method.end(), is_token_character))
    return problem(400, "malformed", "The method of the request is not a word.");
  if (auto refused = length_refusal(head)) return refused;
  if (auto refused = host_refusal(head, names)) return refused;
  return site_refusal(head);
}

}  // namespace quern::gateway
