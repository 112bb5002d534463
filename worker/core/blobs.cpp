#include "worker/core/blobs.hpp"

#include <algorithm>
#include <iterator>
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
    const bool wanted = std::find(wanted_.begin(), wanted_.end(), name) != wanted_.end();
    if (!here_.use(name) && !wanted) wanted_.push_back(name);
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
                                           [&](const auto& name) { return here_.has(name); });
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
  while (!asked_for_ && !download_.writing && !wanted_.empty()) {
    if (const Uuid* job = who_needs(wanted_.front())) {
      asked_for_ = *job;
      return wire::Fetch{*job, wanted_.front(), download_.chunk};
    }
    if (download_.chunk > 0) dropped_.push_back(wanted_.front());
    next_blob();
  }
  return std::nullopt;
}

std::optional<KeepBlob> Blobs::on_blob(wire::Blob&& blob) {
  if (!asked_for_ || wanted_.empty() || blob.blob != wanted_.front() ||
      blob.chunk != download_.chunk)
    return std::nullopt;
  const Uuid job = *std::exchange(asked_for_, std::nullopt);
  if (!blob.why.empty()) {
    // Another job may still be able to get it, because this one may be over.
    if (needs_.contains(job)) trouble_of(job, blob.why);
    return std::nullopt;
  }
  download_.writing = true;
  download_.last = download_.chunk + 1 >= blob.chunks;
  download_.bytes += blob.bytes.size();
  return KeepBlob{std::move(blob.blob), download_.chunk, download_.last, std::move(blob.bytes)};
}

void Blobs::on_kept(const std::string& name, const std::string& error) {
  if (!download_.writing || wanted_.empty() || wanted_.front() != name) return;
  download_.writing = false;
  if (!error.empty()) {
    // The disk may be full: deletes unneeded blobs and tries once more.
    if (!download_.made_room && drop_unused(0)) {
      download_ = {.made_room = true};
      return;
    }
    return give_up(error);
  }
  ++download_.chunk;
  if (!download_.last) return;
  here_.add(name, download_.bytes);
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
  if (download_.chunk > 0) dropped_.push_back(wanted_.front());
  next_blob();
}

void Blobs::next_blob() {
  wanted_.pop_front();
  download_ = {};
}

bool Blobs::drop_unused(std::uint64_t keep) {
  auto removed =
      here_.shrink(keep, [this](const std::string& name) { return who_needs(name) != nullptr; });
  dropped_.insert(dropped_.end(), std::make_move_iterator(removed.begin()),
                  std::make_move_iterator(removed.end()));
  return !removed.empty();
}

void Blobs::on_gone(const std::string& name) {
  if (here_.remove(name)) dropped_.push_back(name);
}

std::vector<Uuid> Blobs::take_troubled() { return std::exchange(troubled_, {}); }

std::vector<std::string> Blobs::take_dropped() { return std::exchange(dropped_, {}); }

}  // namespace quern::worker
