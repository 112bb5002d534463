#include "process/search.hpp"

#include <unistd.h>

#include <algorithm>

namespace quern::process {

bool is_executable(const std::string& file) { return ::access(file.c_str(), X_OK) == 0; }

std::optional<std::string> find_in_path(std::string_view name, std::string_view path) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    if (end > at) {
      std::string file(path.substr(at, end - at));
      file += '/';
      file += name;
      if (is_executable(file)) return file;
    }
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace quern::process
