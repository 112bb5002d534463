// What the gateway does with a request before the broker is asked: reads bytes as the head and the
// body of a request, screens it, takes its target apart and reads its body as a submission. No
// answer may be invalid JSON or come without a reason.
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz/targets.hpp"
#include "gateway/api/submission.hpp"
#include "gateway/http/screening.hpp"

namespace quern::fuzz {
namespace {

using namespace quern::gateway;

/// "GET /path\nname: value\n...\n\nbody", as far as the bytes are like that.
Head head_of(std::string_view text) {
  Head head;
  const auto line = [&] {
    const std::size_t end = text.find('\n');
    const std::string_view first = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return first;
  };
  const std::string_view first = line();
  const std::size_t blank = first.find(' ');
  head.method = first.substr(0, blank);
  if (blank != first.npos) head.target = first.substr(blank + 1);
  for (std::string_view field = line(); !field.empty(); field = line()) {
    const std::size_t colon = field.find(':');
    head.fields.emplace_back(field.substr(0, colon),
                             colon == field.npos ? "" : field.substr(colon + 1));
  }
  return head;
}

void check(const Response& answer) {
  const Json document = Json::parse(answer.body, nullptr, false);
  if (answer.status < 400 || answer.status > 599 || document.is_discarded() ||
      document["detail"].get<std::string>().empty())
    std::abort();
}

template <typename Read>
void read(Read what) {
  try {
    what();
  } catch (const BadRequest& bad) {
    check(bad.answer);
  }
}

}  // namespace

int fuzz_request(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Head head = head_of(text);
  if (const auto refused = refusal_of(head, {"localhost"})) check(*refused);
  Request request;
  request.method = head.method;
  if (auto target = target_of(head.target)) {
    for (const auto& segment : target->segments)
      if (segment.empty() || segment == "..") std::abort();
    request.target = std::move(*target);
  }
  for (const auto& [name, value] : head.fields) request.fields.emplace(name, value);
  const std::size_t gap = text.find("\n\n");
  request.body = gap == text.npos ? text : text.substr(gap + 2);
  request.media_type();
  read([&] { submission_of(request); });
  read([&] { streamed_submission_of(request); });
  read([&] { item_of(request.body, Encoding::value); });
  return 0;
}

}  // namespace quern::fuzz
