// The blobs of a worker as files: each is named by the hash of what is in it. One thread writes;
// any thread copies complete ones.
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
  /// The folder is created with the first blob; the owner of its parent removes it.
  explicit BlobFolder(std::string path) : path_(std::move(path)) {}
  ~BlobFolder();
  BlobFolder(const BlobFolder&) = delete;
  BlobFolder& operator=(const BlobFolder&) = delete;

  /// Writes the next chunk of a blob; chunk 0 starts it again. With `last` it is complete, if its
  /// hash equals its name. Returns the error, or nothing.
  std::string keep(const std::string& name, std::uint64_t chunk, bool last, BytesView bytes);
  /// Deletes the blob, also an incomplete one.
  void drop(const std::string& name);
  /// Copies a complete blob to `to`, which must not exist, with these permissions. Detects changes
  /// that a program made to the file; throws std::runtime_error then, and std::system_error.
  void copy(const std::string& name, const std::string& to, std::uint32_t mode);
  /// A descriptor for reading a complete blob, which the caller must close. Throws as copy() does.
  int open(const std::string& name);
  /// Blobs that copy() or open() found to be changed since the last call.
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
  /// Passes on the bytes of a blob, and checks that their hash equals its name.
  void read_whole(int fd, const std::string& name, const std::function<void(BytesView)>& take);
  int opened(const std::string& name);

  std::string path_;
  std::optional<Writing> writing_;
  std::atomic<bool> any_gone_{false};
  std::mutex mutex_;
  std::vector<std::string> gone_;
};

}  // namespace quern::worker
