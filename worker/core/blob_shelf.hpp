// The blobs that are stored at this worker, and which of them to delete when they are too large in
// total: the least recently used first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace quern::worker {

class BlobShelf {
 public:
  bool has(const std::string& name) const { return blobs_.contains(name); }
  std::size_t size() const { return blobs_.size(); }
  /// It is used now. False if it is not stored.
  bool use(const std::string& name);
  void add(const std::string& name, std::uint64_t bytes);
  /// False if it was not stored.
  bool remove(const std::string& name);
  /// Removes unneeded blobs until the rest has at most `keep` bytes.
  /// @return the names of those that were removed
  std::vector<std::string> shrink(std::uint64_t keep,
                                  const std::function<bool(const std::string&)>& is_needed);

 private:
  struct Stored {
    std::uint64_t bytes = 0;
    std::uint64_t used = 0;  ///< number of the last use
  };
  std::map<std::string, Stored> blobs_;
  std::uint64_t bytes_ = 0;
  std::uint64_t uses_ = 0;
};

}  // namespace quern::worker
