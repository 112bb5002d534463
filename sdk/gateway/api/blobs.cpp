#include "gateway/api/blobs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "gateway/api/stall_watch.hpp"
#include "keys/sodium.hpp"

namespace quern::gateway {
namespace {

/// A file that exists as long as this object. The SDK reads a file twice: for its name, and to send
/// it.
class TemporaryFile {
 public:
  TemporaryFile() {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder && *folder ? folder : "/tmp") + "/quern-blob-XXXXXX";
    fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
    if (fd_ < 0) fail();
    ::unlink(path_.c_str());  // so that it ends with this process, however that ends
  }
  ~TemporaryFile() { ::close(fd_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail();
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  /// By which this process can open it.
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  [[noreturn]] void fail() const {
    throw BadRequest(problem(507, "store",
                             "The gateway has no room for the file on its disk (" + path_ + ": " +
                                 std::strerror(errno) + ")."));
  }

  std::string path_;
  int fd_ = -1;
};

constexpr std::uint64_t kBlobMost = 16ULL << 30;
// Of a file that is sent: larger ones would stay in the memory of each thread that ever sent one.
constexpr std::size_t kPiece = 64u << 10;

/// Before the file is read: the broker would refuse it only afterwards.
void check_rights(Api& api, const Request& request) {
  const auto who = api.sessions().identity_of(request);
  if (const auto* refused = std::get_if<Response>(&who)) throw BadRequest(*refused);
  const auto& grant = std::get<Identity>(who).grant;
  if (grant && !grant->may(keys::GrantRole::submit))
    throw BadRequest(problem(
        403, "denied", "The key of " + grant->name + " needs the role submit to give files."));
}

bool is_hash(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == name.npos;
}

void check_name(const std::string& name) {
  if (!is_hash(name))
    throw BadRequest(problem(404, "bad_input",
                             "A file is named by the BLAKE2b-256 hash of its content, in 64 "
                             "hexadecimal digits (`b2sum -l 256 FILE`)."));
}

void put(Api& api, const Caller& caller, const std::shared_ptr<Exchange>& exchange,
         const std::string& name, std::chrono::seconds wait) {
  check_name(name);
  check_rights(api, exchange->request);
  TemporaryFile file;
  keys::Digest digest;
  std::uint64_t size = 0;
  while (const auto block = exchange->read()) {
    if ((size += block->size()) > kBlobMost)
      throw BadRequest(problem(413, "limit", "A file may have 16 GiB."));
    digest.add(*block);
    file.write(*block);
  }
  if (!exchange->body_is_whole()) return;  // the client has left
  if (const std::string hash = digest.hex(); hash != name)
    throw BadRequest("The content has another hash than its name: " + hash + '.');
  // The reader of the file may outlive this call.
  const auto watch = std::make_shared<StallWatch>(wait);
  try {
    caller.client->put(
        file.path(), {}, [watch](std::uint64_t) { watch->on_progress(); },
        [&](const Job&) { watch->on_progress(); }, watch->token());
  } catch (const Error& error) {
    const std::string text = error.what();
    const std::string where = file.path() + ": ";  // nobody knows this name
    const std::string why = text.starts_with(where) ? text.substr(where.size()) : text;
    if (!watch->stalled()) {
      if (error.code() != ErrorCode::failed) throw Error(error.code(), why);
      throw BadRequest(problem(507, "limit", why));  // the broker has taken only a part of it
    }
    Response full =
        problem(503, "queue_full",
                "The broker took nothing of the file for " + std::to_string(wait.count()) +
                    " s: it has no room (see --memory-limit), its disk is full, or it is stopped. "
                    "Try again later.");
    throw BadRequest(full.with("Retry-After", "60"));
  }
  Response answer;
  answer.status = 204;
  answer.type = "";
  exchange->respond(std::move(answer));
}

/// Sends the file as it comes from the broker. What is wrong with it is found before its last part
/// is sent; then the answer is cut, so that nobody takes what came for the file.
void get(Api& api, const Caller& caller, const std::shared_ptr<Exchange>& exchange,
         const std::string& name) {
  check_name(name);
  const std::string tag = '"' + name + '"';
  const bool unchanged = exchange->request.field("if-none-match").find(tag) != std::string::npos;
  Response head;
  head.type = "application/octet-stream";
  head.with("ETag", tag)
      .with("Content-Disposition", "attachment")
      // The content never changes, but the right to read it may.
      .with("Cache-Control", "private, no-cache")
      .with("X-Accel-Buffering", "no");
  bool begun = false;
  const auto begin = [&] {
    if (!std::exchange(begun, true)) exchange->begin(head);
  };
  // A session of its own: parts that a slow client has yet to read hold back other answers.
  const auto reader = api.sessions().reader_for(caller);
  const bool whole = reader->client().fetch(name, [&](BytesView part) {
    if (unchanged) return false;
    begin();
    for (; !part.empty(); part.remove_prefix(std::min(part.size(), kPiece)))
      if (!exchange->write(std::string(part.substr(0, kPiece)))) return false;
    return true;
  });
  if (unchanged) {
    Response nothing{304, "", "", {}};
    return exchange->respond(nothing.with("ETag", tag));
  }
  if (!whole) return;  // the client has left
  begin();             // nothing was written of an empty file
  exchange->end();
}

}  // namespace

void add_blob_routes(Routes& routes, Api& api, std::chrono::seconds wait) {
  routes.add("PUT", "/v1/blobs/{hash}", BodyForm::stream,
             [&api, wait](const std::shared_ptr<Exchange>& asked, const Variables& v) {
               api.upload(asked,
                          [&api, wait, name = v[0]](const Caller& caller,
                                                    const std::shared_ptr<Exchange>& exchange) {
                            put(api, caller, exchange, name, wait);
                          });
             });
  routes.add("GET", "/v1/blobs/{hash}", BodyForm::none,
             [&api](const std::shared_ptr<Exchange>& asked, const Variables& v) {
               api.stream(asked, [&api, name = v[0]](const Caller& caller,
                                                     const std::shared_ptr<Exchange>& exchange) {
                 get(api, caller, exchange, name);
               });
             });
}

}  // namespace quern::gateway
