// The mark that every program started by this worker carries in its environment, and so everything
// that it starts in turn. With it they are found, also when they have left their process group or
// lost their parents.
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
  /// A new one, unlike any other's.
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
/// Kills them until there are none (a process may start another while it is looked for).
void kill_marked(std::string_view variable);

enum class Orphans : unsigned char { marked, all };
/// Processes that lost their parents and are this one's to look after (it must be a subreaper):
/// kills those that carry `variable`, or all, and reaps what has ended, but for `except`. Cheap
/// when there are none.
void kill_orphans(std::string_view variable, pid_t except, Orphans which);

}  // namespace quern::worker
