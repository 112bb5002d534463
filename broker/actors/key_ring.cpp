#include "broker/actors/key_ring.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/sodium.hpp"

namespace quern::broker {
namespace {

using std::chrono::seconds;

// A wrong code: the next try from that address is looked at after this, doubled for each further one.
constexpr seconds kWaitFirst{1};
constexpr seconds kWaitMost{300};
// Addresses whose failures are remembered; the oldest go first.
constexpr std::size_t kAddressesMax = 10'000;

constexpr char kGrants[] = "/authorized_keys";
constexpr char kInvitations[] = "/invitations";

Principal principal_of(const keys::Grant& grant) {
  Principal principal;
  principal.name = grant.name;
  // The bits are the same four in the same order; the core knows no file format.
  static_assert(static_cast<int>(keys::GrantRole::submit) == static_cast<int>(Right::submit) &&
                static_cast<int>(keys::GrantRole::work) == static_cast<int>(Right::work) &&
                static_cast<int>(keys::GrantRole::read) == static_cast<int>(Right::read) &&
                static_cast<int>(keys::GrantRole::admin) == static_cast<int>(Right::admin));
  principal.rights = grant.roles;
  principal.functions = grant.functions;
  principal.jobs = grant.jobs;
  principal.reads = grant.reads;
  principal.max_tasks = grant.max_tasks;
  principal.max_bytes = grant.max_bytes;
  principal.max_jobs = grant.max_jobs;
  principal.max_rate = grant.max_rate;
  principal.max_priority = grant.max_priority;
  principal.weight = grant.weight;
  return principal;
}

}  // namespace

KeyRing::KeyRing(std::string folder) : folder_(std::move(folder)) {
  if (!keys::read_file(folder_ + kGrants)) throw keys::KeyError(folder_ + kGrants + " is not there: run `quern keys init`");
}

KeyRing::FileState KeyRing::state_of(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return {};
  return {about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec, about.st_size, about.st_ino};
}

bool KeyRing::refresh(std::int64_t utc_seconds, std::vector<std::string>& trouble) {
  bool changed = false;
  try {
    if (const auto now = state_of(folder_ + kGrants); now != grants_seen_) {
      grants_seen_ = now;
      const auto file = keys::AuthorizedKeys::parse(keys::read_file(folder_ + kGrants).value_or(""));
      for (const auto& problem : file.problems()) trouble.push_back("authorized_keys, " + problem);
      all_grants_ = file.grants();
      changed = true;
    }
    if (const auto now = state_of(folder_ + kInvitations); now != invitations_seen_) {
      invitations_seen_ = now;
      invitations_ = keys::invitations_of(keys::read_file(folder_ + kInvitations).value_or(""));
      changed = true;
    }
  } catch (const keys::KeyError& error) {
    trouble.push_back(error.what());
  }
  return drop_expired(utc_seconds) || changed;
}

bool KeyRing::drop_expired(std::int64_t utc_seconds) {
  const std::size_t invitations = std::erase_if(invitations_, [&](const auto& i) { return i.expires <= utc_seconds; });
  std::vector<keys::Grant> valid;
  for (const auto& grant : all_grants_)
    if (!grant.expires || *grant.expires > utc_seconds) valid.push_back(grant);
  const bool changed = valid != grants_;
  grants_ = std::move(valid);
  return changed || invitations > 0;
}

Principals KeyRing::principals() const {
  Principals principals;
  for (const auto& grant : grants_) principals.emplace(grant.key, principal_of(grant));
  return principals;
}

KeyRing::Entry KeyRing::may_connect(const std::string& key, const std::string& address) const {
  const auto grant = std::find_if(grants_.begin(), grants_.end(), [&](const auto& g) { return g.key == key; });
  if (grant == grants_.end())
    return invitations_open() ? Entry{true, "an invitation is open"} : Entry{false, "unknown key"};
  // Over ipc there is no address: that is this machine.
  const std::string from = address.empty() ? "127.0.0.1" : address;
  const bool from_there = grant->from.empty() || std::any_of(grant->from.begin(), grant->from.end(), [&](const auto& pattern) {
                            return keys::address_matches(pattern, from);
                          });
  if (!from_there) return {false, "the key of " + grant->name + " is not allowed from " + from};
  return {true, grant->name};
}

KeyRing::Enrolment KeyRing::enrol(const std::string& key, const std::string& wanted, const std::string& secret,
                                  const std::string& address, std::int64_t utc_seconds, Clock::time_point now) {
  if (const auto found = failures_.find(address); found != failures_.end() && now < found->second.wait_until) {
    const auto left = std::chrono::ceil<seconds>(found->second.wait_until - now).count();
    return {{}, 0, "too many wrong codes from this address: try again in " + std::to_string(left) + " s"};
  }
  const keys::FolderLock lock(folder_);
  std::vector<std::string> ignored;
  refresh(utc_seconds, ignored);  // somebody else may have used it up
  const std::string hash = keys::hash_of_secret(secret);
  const auto invitation =
      std::find_if(invitations_.begin(), invitations_.end(), [&](const auto& i) { return keys::same_secret(i.hash, hash); });
  if (invitation == invitations_.end()) {
    note_failure(address, now);
    return {{}, 0, "this code is wrong, expired or used: ask for a new one (`quern keys invite`)"};
  }
  keys::Grant grant = invitation->grant;
  grant.key = key;
  grant.name = unused_name(grant.name.empty() ? wanted : grant.name);
  // The invitation goes first: a crash in between leaves a code that opens nothing, never one that opens twice.
  auto left = invitations_;
  left.erase(left.begin() + (invitation - invitations_.begin()));
  keys::write_file(folder_ + kInvitations, keys::text_of(left));
  auto file = keys::AuthorizedKeys::parse(keys::read_file(folder_ + kGrants).value_or(""));
  file.add(grant);
  keys::write_file(folder_ + kGrants, file.text());
  refresh(utc_seconds, ignored);
  failures_.erase(address);
  return {grant.name, grant.roles, "invitation"};
}

void KeyRing::note_failure(const std::string& address, Clock::time_point now) {
  if (failures_.size() >= kAddressesMax) {
    const auto oldest = std::min_element(failures_.begin(), failures_.end(),
                                         [](const auto& a, const auto& b) { return a.second.last < b.second.last; });
    failures_.erase(oldest);
  }
  Failures& failures = failures_[address];
  failures.wait_until = now + std::min(kWaitMost, kWaitFirst * (1 << std::min(failures.count, 9u)));
  failures.last = now;
  ++failures.count;
}

std::string KeyRing::unused_name(const std::string& wanted) const {
  std::string base;
  for (const char c : wanted.substr(0, 48)) base += keys::is_principal_name(std::string(1, c)) ? c : '-';
  if (base.empty()) base = "peer";
  const auto taken = [&](const std::string& name) {
    return std::any_of(all_grants_.begin(), all_grants_.end(), [&](const auto& g) { return g.name == name; });
  };
  std::string name = base;
  for (int n = 2; taken(name); ++n) name = base + "-" + std::to_string(n);
  return name;
}

}  // namespace quern::broker
