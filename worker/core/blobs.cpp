#include "worker/core/blobs.hpp"

#include <algorithm>
#include <utility>

namespace quern::worker {

void Blobs::need(const Uuid& job, const std::vector<std::string>& names) {
  if (names.empty()) return;
  needs_[job] = names;
  retry(job);
}

void Blobs::retry(const Uuid& job) {
  const auto it = needs_.find(job);
  if (it == needs_.end() || !place_) return;
  troubles_.erase(job);
  for (const auto& name : it->second) {
    if (const auto here = here_.find(name); here != here_.end())
      here->second.used = ++uses_;
    else if (std::find(wanted_.begin(), wanted_.end(), name) == wanted_.end())
      wanted_.push_back(name);
  }
}

void Blobs::forget(const Uuid& job) {
  needs_.erase(job);
  troubles_.erase(job);
  drop_unused(bytes_max_);
}

void Blobs::keep_only(const std::unordered_set<Uuid>& jobs) {
  std::erase_if(needs_, [&](const auto& entry) { return !jobs.contains(entry.first); });
  std::erase_if(troubles_, [&](const auto& entry) { return !jobs.contains(entry.first); });
}

bool Blobs::ready(const Uuid& job) const {
  if (needs_.empty()) return true;
  const auto it = needs_.find(job);
  return it == needs_.end() || std::all_of(it->second.begin(), it->second.end(),
                                           [&](const auto& name) { return here_.contains(name); });
}

const std::string* Blobs::trouble(const Uuid& job) const {
  const auto it = troubles_.find(job);
  return it == troubles_.end() ? nullptr : &it->second;
}

const Uuid* Blobs::who_needs(const std::string& name) const {
  for (const auto& [job, names] : needs_)
    if (!troubles_.contains(job) && std::find(names.begin(), names.end(), name) != names.end())
      return &job;
  return nullptr;
}

std::optional<wire::Fetch> Blobs::ask() {
  while (!asked_ && !writing_ && !wanted_.empty()) {
    if (const Uuid* job = who_needs(wanted_.front())) {
      asked_ = true;
      asked_for_ = *job;
      return wire::Fetch{*job, wanted_.front(), chunk_};
    }
    if (chunk_ > 0) dropped_.push_back(wanted_.front());
    next_blob();
  }
  return std::nullopt;
}

std::optional<KeepBlob> Blobs::on_blob(wire::Blob&& blob) {
  if (!asked_ || wanted_.empty() || blob.blob != wanted_.front() || blob.chunk != chunk_)
    return std::nullopt;
  asked_ = false;
  if (!blob.why.empty()) {
    // Another job may still be able to get it, because this one may be over.
    if (needs_.contains(asked_for_)) trouble_of(asked_for_, blob.why);
    return std::nullopt;
  }
  writing_ = true;
  last_ = chunk_ + 1 >= blob.chunks;
  fetched_ += blob.bytes.size();
  return KeepBlob{std::move(blob.blob), chunk_, last_, std::move(blob.bytes)};
}

void Blobs::on_kept(const std::string& name, const std::string& error) {
  if (!writing_ || wanted_.empty() || wanted_.front() != name) return;
  writing_ = false;
  if (!error.empty()) {
    // The disk may be full: deletes unneeded blobs and tries once more.
    if (!std::exchange(made_room_, true) && drop_unused(0)) {
      chunk_ = fetched_ = 0;
      return;
    }
    return give_up(error);
  }
  ++chunk_;
  if (!last_) return;
  here_[name] = {fetched_, ++uses_};
  bytes_ += fetched_;
  next_blob();
  drop_unused(bytes_max_);
}

void Blobs::trouble_of(const Uuid& job, const std::string& why) {
  troubles_[job] = why;
  troubled_.push_back(job);
}

void Blobs::give_up(const std::string& why) {
  for (const auto& [job, names] : needs_)
    if (std::find(names.begin(), names.end(), wanted_.front()) != names.end()) trouble_of(job, why);
  if (chunk_ > 0) dropped_.push_back(wanted_.front());
  next_blob();
}

void Blobs::next_blob() {
  wanted_.pop_front();
  chunk_ = fetched_ = 0;
  made_room_ = false;
}

bool Blobs::drop_unused(std::uint64_t keep) {
  bool any = false;
  while (bytes_ > keep) {
    auto oldest = here_.end();
    for (auto it = here_.begin(); it != here_.end(); ++it)
      if (!who_needs(it->first) && (oldest == here_.end() || it->second.used < oldest->second.used))
        oldest = it;
    if (oldest == here_.end()) break;
    bytes_ -= oldest->second.bytes;
    dropped_.push_back(oldest->first);
    here_.erase(oldest);
    any = true;
  }
  return any;
}

void Blobs::on_gone(const std::string& name) {
  const auto it = here_.find(name);
  if (it == here_.end()) return;
  bytes_ -= it->second.bytes;
  here_.erase(it);
  dropped_.push_back(name);
}

std::vector<Uuid> Blobs::take_troubled() { return std::exchange(troubled_, {}); }

std::vector<std::string> Blobs::take_dropped() { return std::exchange(dropped_, {}); }

}  // namespace quern::worker
