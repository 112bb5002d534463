#include "broker/actors/key_ring.hpp"

#include <algorithm>
#include <limits>

#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/sodium.hpp"
#include "notation/moment.hpp"

namespace quern::broker {
namespace {

using std::chrono::seconds;

// After a wrong code, attempts from that address are ignored for this time, doubled for each
// further one.
constexpr seconds kWaitFirst{1};
constexpr seconds kWaitMost{300};
// How long the previous content of unreadable files remains valid: long enough for a disk to return
// or an editor to finish, but limited, because a key may have been revoked in the meantime.
constexpr seconds kUnreadable{30};
// Maximum number of addresses whose failures are remembered; the oldest are dropped first.
constexpr std::size_t kFailingAddressesMax = 10'000;

// The auth actor must not block because another process has locked the folder.
constexpr std::chrono::milliseconds kKeyLockWait{200};

constexpr char kGrants[] = "/authorized_keys";
constexpr char kInvitations[] = "/invitations";

Principal principal_of(const keys::Grant& grant) {
  Principal principal;
  principal.name = grant.name;
  // Both enumerations have the same bits; the core does not depend on the file format.
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
  for (const auto& pattern : grant.from)
    principal.terms += (principal.terms.empty() ? "from " : ",") + pattern;
  principal.expires = grant.expires;
  if (grant.expires)
    principal.terms +=
        (principal.terms.empty() ? "until " : " until ") + notation::moment_text(*grant.expires);
  return principal;
}

}  // namespace

KeyRing::KeyRing(std::string folder)
    : folder_(std::move(folder)),
      grants_file_(folder_ + kGrants),
      invitations_file_(folder_ + kInvitations) {
  keys::require_safe(folder_);
  keys::require_safe(folder_ + kGrants);
  if (!keys::read_file(folder_ + kGrants))
    throw keys::KeyError(folder_ + kGrants + " is missing: run `quern keys init`");
}

bool KeyRing::refresh(std::int64_t utc_seconds, Clock::time_point now,
                      std::vector<std::string>& trouble) {
  bool changed = false;
  try {
    if (const auto text = grants_file_.look(now)) {
      read_grants(*text, trouble);
      changed = true;
    }
    if (!grants_file_.settling()) unreadable_since_.reset();
  } catch (const keys::KeyError& error) {
    if (!unreadable_since_) unreadable_since_ = now;
    trouble.push_back(std::string(error.what()) +
                      (all_grants_.empty() ? ": nobody is admitted"
                                           : ": its previous content remains valid for " +
                                                 std::to_string(kUnreadable.count()) + " s"));
    changed = give_up(now);
  }
  try {
    // Without the file there is no invitation.
    if (!keys::is_there(folder_ + kInvitations)) {
      changed = changed || !invitations_.empty();
      invitations_.clear();
      invitations_file_ = WatchedFile(folder_ + kInvitations);
    } else if (const auto text = invitations_file_.look(now)) {
      invitations_ = keys::invitations_of(*text);
      changed = true;
    }
  } catch (const keys::KeyError& error) {
    trouble.push_back(std::string(error.what()) + ": no invitation is accepted");
    changed = changed || !invitations_.empty();
    invitations_.clear();
  }
  if (changed || utc_seconds >= next_expiry_) changed = keep_valid(utc_seconds) || changed;
  return changed;
}

void KeyRing::read_grants(const std::string& text, std::vector<std::string>& trouble) {
  const auto file = keys::AuthorizedKeys::parse(text);
  for (const auto& problem : file.problems()) trouble.push_back("authorized_keys, " + problem);
  all_grants_ = file.grants();
  damaged_ = !file.problems().empty() || all_grants_.empty();
}

bool KeyRing::give_up(Clock::time_point now) {
  if (all_grants_.empty() || now - *unreadable_since_ < kUnreadable) return false;
  all_grants_.clear();
  damaged_ = true;
  grants_file_ = WatchedFile(folder_ + kGrants);
  return true;
}

bool KeyRing::keep_valid(std::int64_t utc_seconds) {
  const std::size_t before = grants_.size() + invitations_.size();
  std::erase_if(invitations_, [&](const auto& i) { return i.expires <= utc_seconds; });
  grants_.clear();
  next_expiry_ = std::numeric_limits<std::int64_t>::max();
  for (const auto& invitation : invitations_)
    next_expiry_ = std::min(next_expiry_, invitation.expires);
  for (const auto& grant : all_grants_) {
    if (grant.expires && *grant.expires <= utc_seconds) continue;
    if (grant.expires) next_expiry_ = std::min(next_expiry_, *grant.expires);
    grants_.emplace(grant.key, grant);
  }
  return grants_.size() + invitations_.size() != before;
}

KeysChanged KeyRing::known() const {
  KeysChanged known;
  for (const auto& [key, grant] : grants_) {
    known.principals.emplace(key, principal_of(grant));
    if (!grant.from.empty()) known.places.emplace(key, grant.from);
  }
  known.invitations_open = invitations_open();
  return known;
}

KeyRing::Entry KeyRing::may_connect(const std::string& key, const std::string& address) const {
  const auto found = grants_.find(key);
  if (found == grants_.end())
    return invitations_open() ? Entry{true, "an invitation is open"}
           : grants_file_.settling()
               ? Entry{false, "unknown key, but authorized_keys is being written", false, true}
           : damaged_
               ? Entry{false, "unknown key, but authorized_keys is empty or has invalid lines",
                       false, true}
               : Entry{false, "unknown key"};
  const keys::Grant& grant = found->second;
  if (!keys::comes_from(grant.from, address))
    return {false,
            "the key of " + grant.name + " is not allowed from " +
                (address.empty() ? "this machine" : address),
            true};
  return {true, grant.name, true};
}

/// A known key: its answer may have been lost, so it is given again. With an unused code, the peer
/// wants another enrolment.
std::optional<KeyRing::Enrolment> KeyRing::enrolled_already(const std::string& key, bool invited,
                                                            std::int64_t utc_seconds) const {
  for (const auto& grant : all_grants_) {
    if (grant.key != key || (grant.expires && *grant.expires <= utc_seconds)) continue;
    if (!invited) return Enrolment{grant.name, grant.roles, "already known", false};
    return Enrolment{{},
                     0,
                     "this machine's key is already known, as " + grant.name + " (" +
                         keys::role_words(grant.roles) +
                         "), so the code was not used: first run `quern keys revoke " + grant.name +
                         "`, or use another folder for the new key with --keys DIR"};
  }
  return std::nullopt;
}

KeyRing::Enrolment KeyRing::enrol(const std::string& key, const std::string& wanted,
                                  const std::string& secret, const std::string& address,
                                  std::int64_t utc_seconds, Clock::time_point now) {
  const keys::FolderLock lock(folder_, kKeyLockWait);
  std::vector<std::string> ignored;
  refresh(utc_seconds, now, ignored);  // another process may have used it
  const std::string hash = keys::hash_of_secret(secret);
  const auto invitation =
      std::find_if(invitations_.begin(), invitations_.end(),
                   [&](const auto& i) { return keys::same_secret(i.hash, hash); });
  if (const auto before = enrolled_already(key, invitation != invitations_.end(), utc_seconds))
    return *before;
  if (invitation == invitations_.end()) {
    // A valid code is never delayed: the wrong guesses may come from others behind the same
    // address.
    if (const auto found = failures_.find(address);
        found != failures_.end() && now < found->second.wait_until) {
      const auto left = std::chrono::ceil<seconds>(found->second.wait_until - now).count();
      return {
          {},
          0,
          "too many wrong codes from this address; try again in " + std::to_string(left) + " s"};
    }
    note_failure(address, now);
    return {{},
            0,
            "this code is wrong, expired or already used; ask for a new one (`quern keys invite`)"};
  }
  keys::Grant grant = invitation->grant;
  // Jobs belong to names, so only workers, which have no jobs, may choose their name.
  if (grant.name.empty() && grant.roles != static_cast<std::uint8_t>(keys::GrantRole::work))
    return {
        {},
        0,
        "this invitation has no name; ask for one with a name (`quern keys invite --name NAME`)"};
  auto file = keys::AuthorizedKeys::parse(keys::read_file(folder_ + kGrants).value_or(""));
  if (file.was_revoked(key))
    return {{},
            0,
            std::string(keys::kRevokedKey) +
                "; join with another key (--keys DIR); the code was not used"};
  grant.key = key;
  grant.name = unused_name(grant.name.empty() ? wanted : grant.name);
  file.remove(key);  // removes an expired line of the key
  file.add(grant);
  // The invitation is removed first: after a crash in between, the code is invalid, but can never
  // be used twice.
  auto left = invitations_;
  left.erase(left.begin() + (invitation - invitations_.begin()));
  const std::string before = keys::text_of(invitations_);
  keys::write_file(folder_ + kInvitations, keys::text_of(left));
  try {
    keys::write_file(folder_ + kGrants, file.text());
  } catch (const keys::KeyError&) {
    keys::write_file(folder_ + kInvitations,
                     before);  // the key was not admitted, so the code remains valid
    throw;
  }
  refresh(utc_seconds, now, ignored);
  failures_.erase(address);
  return {grant.name, grant.roles, "invitation"};
}

void KeyRing::note_failure(const std::string& address, Clock::time_point now) {
  if (failures_.size() >= kFailingAddressesMax) {
    const auto oldest = std::min_element(
        failures_.begin(), failures_.end(),
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
  for (const char c : wanted.substr(0, 48))
    if (const bool safe = keys::is_principal_name("x" + std::string(1, c)); safe || !base.empty())
      base += safe ? c : '-';
  base.erase(0, std::min(base.find_first_not_of("._@-"), base.size()));
  if (base.empty()) base = "peer";
  const auto taken = [&](const std::string& name) {
    return !keys::is_principal_name(name) ||
           std::any_of(all_grants_.begin(), all_grants_.end(),
                       [&](const auto& g) { return g.name == name; });
  };
  std::string name = base;
  for (int n = 2; taken(name); ++n) name = base + "-" + std::to_string(n);
  return name;
}

}  // namespace quern::broker
