// The target of a request, taken apart. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::gateway {

/// Decodes %XX. With `plus`, a plus sign is a blank, as forms write it. Nothing if an escape is
/// incomplete or the text has a NUL byte.
std::optional<std::string> percent_decoded(std::string_view text, bool plus = false);

/// "/v1/jobs/12?wait=60" as the segments "v1", "jobs", "12" and the parameter wait = "60".
struct Target {
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> parameters;

  /// The value of a parameter; nothing if it is not given. The first one counts.
  std::optional<std::string> parameter(std::string_view name) const;
};

/// Nothing if it is not an absolute path, has a fragment, or cannot be decoded. Empty segments are
/// dropped; "." and ".." are refused, because no route has them.
std::optional<Target> target_of(std::string_view text);

}  // namespace quern::gateway
