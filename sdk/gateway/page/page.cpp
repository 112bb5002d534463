#include "gateway/page/page.hpp"

#include <algorithm>
#include <string>

#include "gateway/page/files.hpp"

namespace quern::gateway {
namespace {

// The page runs only its own script and talks only to its own server. Pictures may also come from
// the input of a task (data:) or from a file that a person looks at (blob:).
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'";

/// Whether a header field such as Accept-Encoding names gzip, other than with "q=0".
bool accepts_gzip(std::string_view field) {
  for (std::size_t begin = 0; begin < field.size();) {
    const std::size_t end = std::min(field.find(',', begin), field.size());
    std::string one;
    for (const char c : field.substr(begin, end - begin))
      if (c != ' ' && c != '\t') one += c;
    begin = end + 1;
    if (!one.starts_with("gzip") && !one.starts_with("*")) continue;
    const std::size_t weight = one.find(";q=");
    return weight == one.npos || one.find_first_of("123456789", weight) != one.npos;
  }
  return false;
}

Response answer(const PageFile& file, const Request& request, std::string_view cache) {
  const bool zipped = accepts_gzip(request.field("accept-encoding"));
  // Each encoding is a representation of its own, so each has a tag of its own.
  const std::string tag = "\"" + std::string(file.tag) + (zipped ? "-gzip\"" : "\"");
  Response response;
  response.type = file.type;
  response.with("ETag", tag)
      .with("Cache-Control", std::string(cache))
      .with("Vary", "Accept-Encoding")
      .with("Content-Security-Policy", std::string(kPolicy));
  if (request.field("if-none-match").find(tag) != std::string::npos) {
    response.status = 304;
    return response;
  }
  if (zipped) response.with("Content-Encoding", "gzip");
  response.body = zipped ? file.zipped : file.plain;
  return response;
}

const PageFile* find(std::string_view name) {
  for (const PageFile& file : page_files())
    if (file.name == name) return &file;
  return nullptr;
}

}  // namespace

void add_page_routes(Routes& routes) {
  using Asked = std::shared_ptr<Exchange>;
  routes.add("GET", "/", BodyForm::none, [](const Asked& asked, const Variables&) {
    asked->respond(answer(*find("index.html"), asked->request, "no-cache"));
  });
  // A name contains a hash of the content, so what it names never changes.
  routes.add("GET", "/assets/{name}", BodyForm::none, [](const Asked& asked, const Variables& v) {
    const PageFile* file = v[0] == "index.html" ? nullptr : find(v[0]);
    if (file)
      asked->respond(answer(*file, asked->request, "public, max-age=31536000, immutable"));
    else
      asked->respond(problem(404, "not_found", "The page has no such file: reload it."));
  });
}

}  // namespace quern::gateway
