#include "cli/request/command_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "cli/output/human.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSmall =
    64u << 10;  // larger files are uploaded by their hash, which costs a round trip
constexpr std::size_t kLargeMost = 1000;  // files of one job
constexpr std::uint64_t kWorthTelling = 32u << 20;
constexpr std::size_t kAllMax =
    60u << 20;  // the limit for a job's common input, and for an item, is 64 MiB

/// Adds files to a list, and checks their names and their total size.
class PutList {
 public:
  PutList(std::vector<CommandFile>& files, LargeFiles* large) : files_(files), large_(large) {
    for (const auto& file : files) {
      names_.insert(file.name);
      all_ += file.bytes.size();
    }
  }

  /// Adds the file or folder at this path.
  void add(const fs::path& path, const std::string& name) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) cannot_read(path, errno);
    if (S_ISDIR(info.st_mode))
      add_folder(path, name, info);
    else if (S_ISREG(info.st_mode))
      add_file(path, name, info);
    else
      throw FileError("--put " + path.string() + ": this is " + kind_of(info.st_mode) +
                      "; only files and folders can be sent");
  }

 private:
  [[noreturn]] static void cannot_read(const fs::path& path, int error) {
    std::error_code ignored;
    const bool link = fs::is_symlink(path, ignored);
    throw FileError("--put " + path.string() + ": " +
                    (link && error == ENOENT
                         ? "a link whose target does not exist"
                         : std::string("cannot read it: ") + std::strerror(error)));
  }

  static const char* kind_of(mode_t mode) {
    return S_ISFIFO(mode) ? "a named pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
  }

  void add_folder(const fs::path& path, const std::string& name, const struct stat& info) {
    const std::pair self{info.st_dev, info.st_ino};
    if (std::find(above_.begin(), above_.end(), self) != above_.end())
      throw FileError("--put " + path.string() + ": a link to a folder that contains it");
    std::error_code error;
    std::vector<fs::path> entries;
    for (const auto& entry : fs::directory_iterator(path, error)) entries.push_back(entry.path());
    if (error) cannot_read(path, error.value());
    std::sort(entries.begin(), entries.end());
    if (entries.empty()) keep({name, (info.st_mode & 0777u) | CommandFile::kFolder, {}, {}}, path);
    above_.push_back(self);
    for (const fs::path& entry : entries) add(entry, name + "/" + entry.filename().string());
    above_.pop_back();
  }

  void add_file(const fs::path& path, const std::string& name, const struct stat& info) {
    CommandFile file{name, info.st_mode & 0777u, {}, {}};
    const bool large =
        large_ && static_cast<std::uint64_t>(info.st_size) > kSmall && large_->size() < kLargeMost;
    std::ifstream in(path, std::ios::binary);
    if (!in) cannot_read(path, errno);
    if (large) {
      large_->emplace(name, path.string());
    } else if (static_cast<std::uint64_t>(info.st_size) > kAllMax) {
      over_the_limit(path);
    } else {
      file.bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    keep(std::move(file), path);
  }

  void keep(CommandFile file, const fs::path& path) {
    if (!names_.insert(file.name).second)
      throw FileError("--put: two files have the name " + file.name);
    all_ += file.bytes.size();
    files_.push_back(std::move(file));
    if (all_ > kAllMax) over_the_limit(path);
  }

  [[noreturn]] static void over_the_limit(const fs::path& path) {
    throw FileError("the small files of --put exceed the limit of 60 MiB together, with " +
                    path.string());
  }

  std::vector<CommandFile>& files_;
  LargeFiles* large_;
  std::set<std::string> names_;
  std::size_t all_ = 0;
  std::vector<std::pair<dev_t, ino_t>> above_;  // the folders that contain this one
};

}  // namespace

void add_files(std::vector<CommandFile>& files, const std::string& given, LargeFiles* large) {
  const fs::path path = fs::path(given).lexically_normal();
  std::string name = path.string();
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  if (!stays_within(name)) name = fs::path(name).filename().string();
  if (!stays_within(name)) throw FileError("--put " + given + ": not the name of a file or folder");
  PutList(files, large).add(path, name);
}

std::string put_file(Client& client, const std::string& path, const std::string& name,
                     SubmitOptions& options, Console& console, Attended& attended) {
  std::error_code unknown;
  const auto size = fs::file_size(path, unknown);
  const auto sent = [&](std::uint64_t bytes) {
    if (!unknown && size >= kWorthTelling)
      console.status("sending " + name + "  " +
                     percent(static_cast<double>(bytes) / static_cast<double>(size)) + " of " +
                     human_bytes(size));
  };
  try {
    options.blobs.push_back(
        client.put(path, options.durability, sent, [&](const Job& job) { attended.add(job); }));
  } catch (const std::system_error& error) {
    throw FileError("cannot read " + name + ": " + error.code().message());
  }
  console.status("");
  if (attended.interrupted()) leave(Exit::interrupted);
  return options.blobs.back();
}

void give_files(Client& client, const LargeFiles& large, const std::vector<Command*>& commands,
                SubmitOptions& options, Console& console, Attended& attended) {
  for (const auto& [name, path] : large) {
    const std::string blob = put_file(client, path, path, options, console, attended);
    for (Command* command : commands)
      for (CommandFile& file : command->files)
        if (file.name == name) file.blob = blob;
  }
}

}  // namespace quern::cli
