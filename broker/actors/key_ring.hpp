// The broker's keys: authorized_keys and invitations, read again when the files change. Decides who
// may connect, and enrols invited peers. Used by the auth actor's thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/actors/guard_events.hpp"
#include "broker/actors/watched_file.hpp"
#include "keys/authorized_keys.hpp"
#include "keys/invitation.hpp"

namespace quern::broker {

class KeyRing {
 public:
  using Clock = std::chrono::steady_clock;

  /// Throws keys::KeyError if there are no keys, or if others can change them.
  explicit KeyRing(std::string folder);

  /// Reads changed files and removes what has expired. True if known() may have changed. Adds a
  /// sentence to `trouble` if a file cannot be read or a line is invalid. An invalid line grants
  /// nothing; while a whole file cannot be read, its previous content remains valid for half a
  /// minute, and then nothing is granted.
  bool refresh(std::int64_t utc_seconds, Clock::time_point now, std::vector<std::string>& trouble);

  /// Who may do what, by key, and from where.
  KeysChanged known() const;
  bool invitations_open() const { return !invitations_.empty(); }

  struct Entry {
    bool allowed = false;
    std::string reason;
    bool known = false;   ///< the key is known
    bool unsure = false;  ///< it may be known, but the file is damaged: the peer should try again
  };
  /// Whether a connection with this key from this address is admitted. An unknown key is admitted
  /// while an invitation is open.
  Entry may_connect(const std::string& key, const std::string& address) const;

  struct Enrolment {
    std::string name;  ///< empty: refused
    std::uint8_t rights = 0;
    std::string reason;
    bool fresh = true;  ///< false: the key was already known, and nothing has changed
  };
  /// Uses up an invitation: the key gets a line in authorized_keys. Wrong codes delay further
  /// attempts from the address, each one longer.
  Enrolment enrol(const std::string& key, const std::string& wanted, const std::string& secret,
                  const std::string& address, std::int64_t utc_seconds, Clock::time_point now);

 private:
  struct Failures {
    unsigned count = 0;
    Clock::time_point wait_until{};
    Clock::time_point last{};
  };

  void read_grants(const std::string& text, std::vector<std::string>& trouble);
  bool keep_valid(std::int64_t utc_seconds);
  bool give_up(Clock::time_point now);
  void note_failure(const std::string& address, Clock::time_point now);
  std::optional<Enrolment> enrolled_already(const std::string& key, bool invited,
                                            std::int64_t utc_seconds) const;
  std::string unused_name(const std::string& wanted) const;

  std::string folder_;
  WatchedFile grants_file_, invitations_file_;
  std::optional<Clock::time_point> unreadable_since_;
  bool damaged_ = false;                 ///< authorized_keys is unreadable, or has invalid lines
  std::vector<keys::Grant> all_grants_;  ///< as in the file, including expired ones
  std::unordered_map<std::string, keys::Grant> grants_;  ///< in force, by key
  std::int64_t next_expiry_ =
      0;  ///< next expiry of a key or an invitation, UTC seconds; then grants_ is rebuilt
  std::vector<keys::Invitation> invitations_;
  std::map<std::string, Failures> failures_;  ///< by address
};

}  // namespace quern::broker
