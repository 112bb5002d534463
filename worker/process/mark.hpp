// The mark that every program started by this worker carries in its environment, and so everything
// that it starts in turn. It identifies them even if they have left their process group or lost
// their parents.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::worker {

/// "QUERN_MARK=<this worker>": of everything that one worker starts.
class Mark {
 public:
  /// Creates a new, unique mark.
  Mark();

  /// The variable for a child of one slot: "QUERN_MARK=<worker>.<child>". `child` tells the
  /// children of a worker apart.
  std::string variable(std::uint64_t child) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Processes of this user that carry a variable which begins with `variable`.
std::vector<pid_t> marked(std::string_view variable);
/// Kills them until there are none (a process may start another one in the meantime).
void kill_marked(std::string_view variable);

enum class Orphans : unsigned char { marked, all };
/// Handles orphans that were reparented to this process (it must be a subreaper): kills those that
/// carry `variable`, or all, and reaps what has ended, except `except`. Cheap if there are none.
void kill_orphans(std::string_view variable, pid_t except, Orphans which);

}  // namespace quern::worker
