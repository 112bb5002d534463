// The audit log on the disk: FOLDER/audit.log, a line per decision, each with the hash of the line before (keys/audit_line.hpp). A full
// file becomes audit.000001.log, 000002, ...; the next goes on with the chain. FOLDER/audit.checkpoint says where the chain stood, so
// that a cut-off end is seen. FOLDER/audit.key, if it is there, keys the hashes.
//
// Several brokers may write one log: each append holds the lock and looks where the chain stands.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keys/audit_line.hpp"

namespace quern::broker {

class AuditLog {
 public:
  /// Opens or makes it. Throws keys::KeyError when that cannot be, or when its end is not that of a chain.
  explicit AuditLog(std::string folder, std::uint64_t file_bytes_max = 64u << 20);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// Appends all, or throws keys::KeyError and nothing of it is there.
  void append(const std::vector<keys::AuditEntry>& entries);
  /// What was appended is on the disk, and the checkpoint says so. Throws keys::KeyError.
  void sync();

 private:
  void open_file();
  void find_end();
  void rotate();

  std::string folder_;
  std::uint64_t file_bytes_max_;
  std::string key_;
  int lock_ = -1;
  int file_ = -1;
  std::uint64_t size_ = 0;  ///< of the file, as this process knows it
  keys::AuditPosition at_;
  bool unsynced_ = false;
};

}  // namespace quern::broker
