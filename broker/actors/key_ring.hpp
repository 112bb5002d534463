// What the broker knows of keys: authorized_keys and invitations as they are on the disk, read anew when they change. Decides who may
// connect at all and enrols who was invited. Used by the auth actor's thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/core/principal.hpp"
#include "keys/authorized_keys.hpp"
#include "keys/invitation.hpp"

namespace quern::broker {

class KeyRing {
 public:
  using Clock = std::chrono::steady_clock;

  /// Reads the folder. Throws keys::KeyError when authorized_keys cannot be read.
  explicit KeyRing(std::string folder);

  /// Reads what has changed, lets go of what has expired. True when principals() or invitations_open() may be others than before.
  /// `trouble` gets a sentence when a file cannot be read or a line of it grants nothing; then what was there before holds, or for a
  /// line: nothing.
  bool refresh(std::int64_t utc_seconds, std::vector<std::string>& trouble);

  /// Who may do what, by key.
  Principals principals() const;
  bool invitations_open() const { return !invitations_.empty(); }

  struct Entry {
    bool allowed = false;
    std::string reason;
  };
  /// Whether a connection with this key from this address is let in. An unknown key is, while an invitation is open.
  Entry may_connect(const std::string& key, const std::string& address) const;

  struct Enrolment {
    std::string name;  ///< empty: refused
    std::uint8_t rights = 0;
    std::string reason;
  };
  /// Uses up an invitation: the key gets a line in authorized_keys. Wrong codes make the address wait, each one longer.
  Enrolment enrol(const std::string& key, const std::string& wanted, const std::string& secret, const std::string& address,
                  std::int64_t utc_seconds, Clock::time_point now);

 private:
  struct FileState {
    std::int64_t changed_ns = 0;
    std::int64_t size = -1;
    std::uint64_t inode = 0;
    bool operator==(const FileState&) const = default;
  };
  struct Failures {
    unsigned count = 0;
    Clock::time_point wait_until{};
    Clock::time_point last{};
  };

  static FileState state_of(const std::string& path);
  bool drop_expired(std::int64_t utc_seconds);
  void note_failure(const std::string& address, Clock::time_point now);
  std::string unused_name(const std::string& wanted) const;

  std::string folder_;
  FileState grants_seen_, invitations_seen_;
  std::vector<keys::Grant> all_grants_;  ///< as in the file, the expired too
  std::vector<keys::Grant> grants_;      ///< in force
  std::vector<keys::Invitation> invitations_;
  std::map<std::string, Failures> failures_;  ///< by address
};

}  // namespace quern::broker
