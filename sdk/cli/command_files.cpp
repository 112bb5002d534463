#include "cli/command_files.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/options.hpp"

namespace quern::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAllMax = 60u << 20;  // a job's common input, and an item, may have 64 MiB

void add_file(std::vector<CommandFile>& files, const fs::path& path, const std::string& name) {
  std::ifstream in(path, std::ios::binary);
  CommandFile file{name, 0644, {std::istreambuf_iterator<char>(in), {}}};
  struct stat info {};
  if (!in || ::stat(path.c_str(), &info) != 0) throw FileError("cannot read " + path.string());
  file.mode = info.st_mode & 0777u;
  files.push_back(std::move(file));
  std::size_t all = 0;
  for (const auto& one : files) all += one.bytes.size();
  if (all > kAllMax) throw FileError("the files of --put are over the limit of 60 MiB together, with " + path.string());
}

}  // namespace

void add_files(std::vector<CommandFile>& files, const std::string& given) {
  const fs::path path = fs::path(given).lexically_normal();
  std::string name = path.string();
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  if (!stays_within(name)) name = fs::path(name).filename().string();
  if (!stays_within(name)) throw FileError("--put " + given + ": it has no name of its own");
  std::error_code error;
  if (!fs::is_directory(path, error)) return add_file(files, path, name);
  for (const auto& entry : fs::recursive_directory_iterator(path, error))
    if (entry.is_regular_file(error)) add_file(files, entry.path(), name + "/" + fs::relative(entry.path(), path).string());
  if (error) throw FileError("cannot read " + given + ": " + error.message());
}

void write_files(const std::vector<CommandFile>& files) {
  for (const auto& file : files) {
    if (!stays_within(file.name)) throw FileError("a file that came back has a name that leaves this folder: " + file.name);
    std::error_code error;
    const fs::path path = file.name;
    if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
    fs::remove(path, error);  // not through a link
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << file.bytes << std::flush;
    if (!out) throw FileError("cannot write " + file.name);
    fs::permissions(path, static_cast<fs::perms>(file.mode), error);
  }
}

}  // namespace quern::cli
