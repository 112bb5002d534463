// The audit log on the disk: FOLDER/audit.log, a line per decision, each with the hash of the line
// before (keys/audit_line.hpp). A full file becomes audit.000001.log, 000002, ...; the next one
// continues the chain. FOLDER/audit.checkpoint records the position of the chain, so that a missing
// end is detected. FOLDER/audit.key, if it exists, is the key of the hashes.
//
// Several brokers may write one log: each append holds the lock and first reads up to the end of
// the chain. The hash of what was read or written is kept in memory: a log that does not continue
// from it was tampered with, and nothing is written to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keys/audit_line.hpp"

namespace quern::broker {

class AuditLog {
 public:
  /// Opens or creates it. Throws keys::KeyError if that fails, or if the log does not match the
  /// checkpoint.
  explicit AuditLog(std::string folder, std::uint64_t file_bytes_max = 64u << 20);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// Appends all entries, or throws keys::KeyError and appends none: the disk is full, or the log
  /// was modified in the meantime.
  void append(const std::vector<keys::AuditEntry>& entries);
  /// Throws as append() would; writes nothing, but reserves room for more.
  void look();
  /// Syncs what was appended, and updates the checkpoint. Throws keys::KeyError, also if the
  /// checkpoint was replaced by an older one.
  void sync();

  bool unsynced() const { return unsynced_; }

 private:
  void begin();
  void open_file();
  void catch_up();
  void follow(int fd, const std::string& path);
  void rotate();
  keys::AuditPosition read_checkpoint() const;
  void check_against_checkpoint(const keys::AuditPosition& at) const;
  void adopt_file(int fd, const std::string& path);
  void reserve();

  std::string folder_;
  std::string path_;  ///< of the current file
  std::uint64_t file_bytes_max_;
  std::string key_;
  int lock_ = -1;
  int file_ = -1;
  std::uint64_t size_ = 0;      ///< of file_, up to which the chain was verified
  std::uint64_t reserved_ = 0;  ///< room on the disk is reserved up to here
  keys::AuditPosition at_;      ///< position of the chain at size_
  keys::AuditPosition known_;   ///< the latest checkpoint that was read or written
  bool unsynced_ = false;
};

}  // namespace quern::broker
