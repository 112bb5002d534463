#include "gateway/broker/grants.hpp"

#include "keys/authorized_keys.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"

namespace quern::gateway {
namespace {

// The broker acts on a change within a second, too.
constexpr std::chrono::milliseconds kFresh{500};

}  // namespace

void Grants::refresh() {
  const auto now = std::chrono::steady_clock::now();
  if (read_at_ && now - *read_at_ < kFresh) return;
  read_at_ = now;
  known_ = false;
  grants_.clear();
  try {
    const auto text = keys::read_file(path_);
    if (!text) return;
    for (const auto& grant : keys::AuthorizedKeys::parse(*text).grants())
      grants_.emplace(grant.key, grant);
    known_ = true;
  } catch (const keys::KeyError&) {
    // Not readable for this user: only the broker knows.
  }
}

bool Grants::known() {
  std::lock_guard lock(mutex_);
  refresh();
  return known_;
}

std::optional<keys::Grant> Grants::find(const std::string& public_key) {
  std::lock_guard lock(mutex_);
  refresh();
  auto found = grants_.find(public_key);
  if (found == grants_.end()) {
    read_at_.reset();  // it may have been added a moment ago
    refresh();
    found = grants_.find(public_key);
  }
  if (found == grants_.end()) return std::nullopt;
  return found->second;
}

}  // namespace quern::gateway
