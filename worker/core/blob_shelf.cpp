#include "worker/core/blob_shelf.hpp"

namespace quern::worker {

bool BlobShelf::use(const std::string& name) {
  const auto it = blobs_.find(name);
  if (it == blobs_.end()) return false;
  it->second.used = ++uses_;
  return true;
}

void BlobShelf::add(const std::string& name, std::uint64_t bytes) {
  blobs_[name] = {bytes, ++uses_};
  bytes_ += bytes;
}

bool BlobShelf::remove(const std::string& name) {
  const auto it = blobs_.find(name);
  if (it == blobs_.end()) return false;
  bytes_ -= it->second.bytes;
  blobs_.erase(it);
  return true;
}

std::vector<std::string> BlobShelf::shrink(
    std::uint64_t keep, const std::function<bool(const std::string&)>& is_needed) {
  std::vector<std::string> removed;
  while (bytes_ > keep) {
    auto oldest = blobs_.end();
    for (auto it = blobs_.begin(); it != blobs_.end(); ++it)
      if ((oldest == blobs_.end() || it->second.used < oldest->second.used) &&
          !is_needed(it->first))
        oldest = it;
    if (oldest == blobs_.end()) break;
    removed.push_back(oldest->first);
    bytes_ -= oldest->second.bytes;
    blobs_.erase(oldest);
  }
  return removed;
}

}  // namespace quern::worker
