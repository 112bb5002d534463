#include "client/blob_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "keys/sodium.hpp"
#include "wire/blob.hpp"

namespace quern::client {
namespace {

class ChunkReader {
 public:
  explicit ChunkReader(const std::string& file)
      : file_(file), fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail();
  }
  ~ChunkReader() { ::close(fd_); }
  ChunkReader(const ChunkReader&) = delete;
  ChunkReader& operator=(const ChunkReader&) = delete;

  /// False at the end.
  bool next(Bytes& chunk) {
    chunk.resize(wire::kBlobChunk);
    std::size_t size = 0;
    while (size < chunk.size()) {
      const ssize_t got = ::read(fd_, chunk.data() + size, chunk.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail();
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    chunk.resize(size);
    digest_.add(chunk);
    return size > 0;
  }
  std::string name() { return digest_.hex(); }

 private:
  [[noreturn]] void fail() const { throw std::system_error(errno, std::generic_category(), file_); }

  std::string file_;
  int fd_;
  keys::Digest digest_;
};

}  // namespace

std::string blob_name_of(const std::string& file) {
  ChunkReader reader(file);
  for (Bytes chunk; reader.next(chunk);) {
  }
  return reader.name();
}

Items chunks_of(const std::string& file, const std::string& name,
                const std::function<void(std::uint64_t)>& sent,
                const std::shared_ptr<std::exception_ptr>& trouble) {
  auto next = [reader = std::shared_ptr<ChunkReader>(), taken = std::uint64_t{0}, file, name,
               sent](Bytes& item) mutable {
    if (!reader) reader = std::make_shared<ChunkReader>(file);
    if (!reader->next(item)) {
      if (reader->name() != name)
        throw std::runtime_error(
            file + " was changed while it was being read; try again when it is complete");
      return false;
    }
    taken += item.size();
    if (sent) sent(taken);
    return true;
  };
  return {[next, trouble](Bytes& item) mutable {
            try {
              return next(item);
            } catch (...) {
              *trouble = std::current_exception();
              throw;
            }
          },
          Encoding::raw, Items::Source::may_block, nullptr};
}

}  // namespace quern::client
