// The files of an audit log, for writers, readers and verification.
//
//   FOLDER/audit.log              the current file; its lines follow those of
//   FOLDER/audit.000001.log ...   full ones, in this order
//   FOLDER/audit.checkpoint       position of the chain that is known to be on the disk
//   FOLDER/audit.key              key of the hashes, if it exists; a chain cannot be forged
//                                 without it
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keys/audit_line.hpp"

namespace quern::keys {

/// $XDG_STATE_HOME/quern, else ~/.local/state/quern; empty if the environment does not define it.
std::string default_state_folder();

/// The existing files, oldest first; audit.log last.
std::vector<std::string> audit_files(const std::string& folder);
std::string full_file_name(const std::string& folder, std::size_t number);
/// The position of the chain at the beginning of a file, according to its first line. Throws
/// KeyError if that is not a line of a log.
AuditPosition start_of(const std::string& path);
/// The content of audit.key; empty without one. Throws KeyError when others can read it, or it is
/// shorter than 16 bytes.
std::string audit_key(const std::string& folder);

/// Calls `each` with every whole line, oldest first, and the file it is in. Stops when it returns
/// false. Returns the file that ends with an incomplete line; empty: none. Throws KeyError.
std::string for_each_line(const std::vector<std::string>& files,
                          const std::function<bool(const std::string& file, std::size_t line,
                                                   const std::string& text)>& each);

/// Calls `each` with every whole line, the newest first, until it returns false. Reads as much of
/// the files as that takes. Throws KeyError.
void for_each_line_backwards(const std::vector<std::string>& files,
                             const std::function<bool(const std::string& text)>& each);

struct AuditCheck {
  std::uint64_t lines = 0;
  std::string problem;  ///< a sentence that names file and line; empty: nothing was modified
  bool torn =
      false;  ///< the last line is incomplete, because a broker was killed or the power failed
};
/// Verifies the whole chain and compares its end with the checkpoint. Throws KeyError if a file
/// cannot be read or there is none.
AuditCheck verify_audit(const std::string& folder);

}  // namespace quern::keys
