// What the broker knows of keys: authorized_keys and invitations as they are on the disk, read anew
// when they change. Decides who may connect at all and enrols who was invited. Used by the auth
// actor's thread only.
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

  /// Throws keys::KeyError when there are no keys, or others may change them.
  explicit KeyRing(std::string folder);

  /// Reads what has changed, lets go of what has expired. True when known() may be another than
  /// before. `trouble` gets a sentence when a file cannot be read or a line of it grants nothing. A
  /// line that cannot be read grants nothing at once; while a whole file cannot be read, what it
  /// said before holds for half a minute, and then it grants nothing.
  bool refresh(std::int64_t utc_seconds, Clock::time_point now, std::vector<std::string>& trouble);

  /// Who may do what, by key, and from where.
  KeysChanged known() const;
  bool invitations_open() const { return !invitations_.empty(); }

  struct Entry {
    bool allowed = false;
    std::string reason;
    bool known = false;   ///< it is the key of somebody
    bool unsure = false;  ///< it may be: what the file says is damaged. To be told to come again
  };
  /// Whether a connection with this key from this address is let in. An unknown key is, while an
  /// invitation is open.
  Entry may_connect(const std::string& key, const std::string& address) const;

  struct Enrolment {
    std::string name;  ///< empty: refused
    std::uint8_t rights = 0;
    std::string reason;
    bool fresh = true;  ///< false: the key was there before; nothing has changed
  };
  /// Uses up an invitation: the key gets a line in authorized_keys. Wrong codes make the address
  /// wait, each one longer.
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
  bool damaged_ = false;  ///< authorized_keys grants nothing at all, or not what it should
  std::vector<keys::Grant> all_grants_;                  ///< as in the file, the expired too
  std::unordered_map<std::string, keys::Grant> grants_;  ///< in force, by key
  std::int64_t next_expiry_ =
      0;  ///< of a key or an invitation, UTC seconds; when it comes, grants_ is made anew
  std::vector<keys::Invitation> invitations_;
  std::map<std::string, Failures> failures_;  ///< by address
};

}  // namespace quern::broker
