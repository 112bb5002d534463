// The blobs of a worker as files: each is named by the hash of what is in it. One thread writes;
// any thread copies what is whole.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "keys/sodium.hpp"
#include "quern/bytes.hpp"

namespace quern::worker {

class BlobFolder {
 public:
  /// Made with the first blob; whoever owns the folder above removes it.
  explicit BlobFolder(std::string path) : path_(std::move(path)) {}
  ~BlobFolder();
  BlobFolder(const BlobFolder&) = delete;
  BlobFolder& operator=(const BlobFolder&) = delete;

  /// Writes the next chunk of a blob; chunk 0 begins it anew. With `last` it is whole, if its hash
  /// is its name. Why not, or nothing.
  std::string keep(const std::string& name, std::uint64_t chunk, bool last, BytesView bytes);
  /// What there is of it.
  void drop(const std::string& name);
  /// A copy of a whole blob with these permissions at `to`, which must not exist. What a program
  /// did to the file here is found. Throws std::runtime_error then, and std::system_error.
  void copy(const std::string& name, const std::string& to, std::uint32_t mode);
  /// A descriptor to read a whole blob from, the caller's to close. Throws as copy() does.
  int open(const std::string& name);
  /// Blobs that copy() or open() did not find as they were, since the last call.
  std::vector<std::string> take_gone();

 private:
  struct Writing {
    std::string name;
    int fd = -1;
    keys::Digest digest;
  };
  std::string file_of(const std::string& name) const { return path_ + '/' + name; }
  std::string part_of(const std::string& name) const { return file_of(name) + ".part"; }
  void stop_writing();
  void note_gone(const std::string& name);
  /// Hands the octets of a blob on, and finds out whether they are those of its name.
  void read_whole(int fd, const std::string& name, const std::function<void(BytesView)>& take);
  int opened(const std::string& name);

  std::string path_;
  std::optional<Writing> writing_;
  std::atomic<bool> any_gone_{false};
  std::mutex mutex_;
  std::vector<std::string> gone_;
};

}  // namespace quern::worker
