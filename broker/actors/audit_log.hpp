// The audit log on the disk: FOLDER/audit.log, a line per decision, each with the hash of the line
// before (keys/audit_line.hpp). A full file becomes audit.000001.log, 000002, ...; the next goes on
// with the chain. FOLDER/audit.checkpoint says where the chain stood, so that a cut-off end is
// seen. FOLDER/audit.key, if it is there, keys the hashes.
//
// Several brokers may write one log: each append holds the lock and first reads on to where the
// chain stands. What was read or written once is known by its hash, in memory: a log that is not
// the continuation of that was tampered with, and nothing is written to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keys/audit_line.hpp"

namespace quern::broker {

class AuditLog {
 public:
  /// Opens or makes it. Throws keys::KeyError when that cannot be, or when what follows the
  /// checkpoint is not the chain that it saw.
  explicit AuditLog(std::string folder, std::uint64_t file_bytes_max = 64u << 20);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// Appends all, or throws keys::KeyError and nothing of it is there: the disk is full, or
  /// somebody changed the log meanwhile.
  void append(const std::vector<keys::AuditEntry>& entries);
  /// Throws as append() would: nothing is written, but room for more is reserved.
  void look();
  /// What was appended is on the disk, and the checkpoint says so. Throws keys::KeyError, also when
  /// somebody set the checkpoint back.
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
  std::string path_;  ///< of the file that is written to
  std::uint64_t file_bytes_max_;
  std::string key_;
  int lock_ = -1;
  int file_ = -1;
  std::uint64_t size_ = 0;      ///< of file_, as far as the chain was followed
  std::uint64_t reserved_ = 0;  ///< so far there is room on the disk
  keys::AuditPosition at_;      ///< where the chain stands at size_
  keys::AuditPosition known_;   ///< the furthest checkpoint that was seen
  bool unsynced_ = false;
};

}  // namespace quern::broker
