// Reading an audit log from its end.
#include <cerrno>
#include <cstring>
#include <fstream>

#include "keys/audit_files.hpp"
#include "keys/error.hpp"

namespace quern::keys {
namespace {

constexpr std::streamoff kBlock = 64 << 10;

/// The lines of one file, the last one first. False if `each` has had enough.
bool each_backwards(const std::string& path, const std::function<bool(const std::string&)>& each) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw KeyError("cannot read " + path + ": " + std::strerror(errno));
  std::streamoff begin = file.tellg();
  std::string rest;       // the beginning of what was read: the end of a line
  bool is_whole = false;  // what follows the last newline of the file is being written
  while (begin > 0) {
    const std::streamoff size = std::min(kBlock, begin);
    begin -= size;
    std::string block(static_cast<std::size_t>(size), '\0');
    file.seekg(begin);
    if (!file.read(block.data(), size)) throw KeyError("cannot read " + path);
    block += rest;
    std::size_t end = block.size();
    for (std::size_t newline; end > 0 && (newline = block.rfind('\n', end - 1)) != block.npos;
         end = newline) {
      const std::string line = block.substr(newline + 1, end - newline - 1);
      if (is_whole && !line.empty() && !each(line)) return false;
      is_whole = true;
    }
    rest = block.substr(0, end);
  }
  return !is_whole || rest.empty() || each(rest);
}

}  // namespace

void for_each_line_backwards(const std::vector<std::string>& files,
                             const std::function<bool(const std::string& text)>& each) {
  for (auto file = files.rbegin(); file != files.rend(); ++file)
    if (!each_backwards(*file, each)) return;
}

}  // namespace quern::keys
