#include "cli/command_files.hpp"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "cli/human.hpp"
#include "cli/options.hpp"

namespace quern::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSmall = 64u << 10;  // beyond it a file is worth a question to the broker
constexpr std::size_t kLargeMost = 1000;     // that one job may have
constexpr std::uint64_t kWorthTelling = 32u << 20;
constexpr std::size_t kAllMax = 60u << 20;  // a job's common input, and an item, may have 64 MiB

void add_file(std::vector<CommandFile>& files, const fs::path& path, const std::string& name, LargeFiles* large) {
  std::ifstream in(path, std::ios::binary);
  struct stat info {};
  if (!in || ::stat(path.c_str(), &info) != 0) throw FileError("cannot read " + path.string());
  CommandFile file{name, info.st_mode & 0777u, {}, {}};
  if (large && S_ISREG(info.st_mode) && static_cast<std::uint64_t>(info.st_size) > kSmall && large->size() < kLargeMost) large->emplace(name, path.string());
  else file.bytes.assign(std::istreambuf_iterator<char>(in), {});
  for (const auto& other : files)
    if (other.name == name) throw FileError("--put: two files would have the name " + name);
  files.push_back(std::move(file));
  std::size_t all = 0;
  for (const auto& one : files) all += one.bytes.size();
  if (all > kAllMax) throw FileError("the files of --put are over the limit of 60 MiB together, with " + path.string());
}

bool wanted(const Command& command, const CommandResult& result, const std::string& name) {
  const std::vector<BytesView> arguments(result.arguments.begin(), result.arguments.end());
  return std::any_of(command.get.begin(), command.get.end(), [&](const std::string& pattern) {
    return ::fnmatch(expand_word(pattern, arguments, result.number).c_str(), name.c_str(), FNM_PATHNAME) == 0;
  });
}

}  // namespace

void add_files(std::vector<CommandFile>& files, const std::string& given, LargeFiles* large) {
  const fs::path path = fs::path(given).lexically_normal();
  std::string name = path.string();
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  if (!stays_within(name)) name = fs::path(name).filename().string();
  if (!stays_within(name)) throw FileError("--put " + given + ": it has no name of its own");
  std::error_code error;
  if (!fs::is_directory(path, error)) return add_file(files, path, name, large);
  for (const auto& entry : fs::recursive_directory_iterator(path, error))
    if (entry.is_regular_file(error)) add_file(files, entry.path(), name + "/" + fs::relative(entry.path(), path).string(), large);
  if (error) throw FileError("cannot read " + given + ": " + error.message());
}

void give_files(Client& client, const LargeFiles& large, const std::vector<Command*>& commands, SubmitOptions& options, Console& console, Attended& attended) {
  for (const auto& [name, path] : large) {
    std::error_code unknown;
    const auto size = fs::file_size(path, unknown);
    const auto sent = [&](std::uint64_t octets) {
      if (!unknown && size >= kWorthTelling) console.status("sending " + path + "  " + percent(static_cast<double>(octets) / static_cast<double>(size)) + " of " + human_bytes(size));
    };
    std::string blob;
    try {
      blob = client.put(path, options.durability, sent, [&](const Job& job) { attended.add(job); });
    } catch (const std::system_error& error) {
      throw FileError("cannot read " + path + ": " + error.code().message());
    }
    console.status("");
    if (attended.interrupted()) leave(Exit::interrupted);
    options.blobs.push_back(blob);
    for (Command* command : commands)
      for (CommandFile& file : command->files)
        if (file.name == name) file.blob = blob;
  }
}

void write_files(const Command& command, const CommandResult& result) {
  for (const auto& file : result.files) {
    if (!stays_within(file.name) || !wanted(command, result, file.name))
      throw FileError("a worker (" + result.host + ") sent a file that --get does not name: " + file.name);
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
