#include "cli/request/graph_log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include "cli/syntax/options.hpp"

namespace quern::cli {

namespace {

constexpr std::string_view kJob = "job:";  // no name of a command has a colon

std::optional<Uuid> uuid_in(const std::string& text) {
  std::string digits;
  for (const char c : text)
    if (c != '-') digits += c;
  Uuid uuid;
  if (digits.size() != 2 * uuid.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    const char* begin = digits.data() + 2 * i;
    if (std::from_chars(begin, begin + 2, uuid.bytes[i], 16).ptr != begin + 2) return std::nullopt;
  }
  return uuid;
}

void write_job(std::ostream& out, Uuid job) { out << "0 " << kJob << job.text() << '\n'; }

/// The file behind symbolic links, so that it is replaced and not the link. Throws FileError if it
/// is a device, a pipe or a folder.
std::string regular(const std::string& file) {
  std::error_code none;
  if (std::filesystem::exists(file, none) && !std::filesystem::is_regular_file(file, none))
    throw FileError(file + " is not a regular file: name one with --log");
  std::filesystem::path real = file;
  // One by one, because what the last one names need not exist.
  for (int links = 0; links < 40 && std::filesystem::is_symlink(real, none); ++links)
    real = real.parent_path() / std::filesystem::read_symlink(real, none);
  return real.string();
}

}  // namespace

GraphLog::GraphLog(const std::string& file, const std::vector<GraphNode>& nodes, bool again)
    : file_(regular(file)), nodes_(nodes), done_(nodes.size()) {
  std::map<std::string, std::uint64_t> keys;
  std::ifstream in(file_);
  // A line that a crash cut off has another name, or no line end: the command runs again.
  for (std::string line; std::getline(in, line) && !in.eof();) {
    const auto blank = line.find(' ');
    if (blank == std::string::npos) continue;
    const std::string name = line.substr(blank + 1);
    if (name.starts_with(kJob))
      job_ = uuid_in(name.substr(kJob.size()));
    else if (!again)
      keys[name] = std::strtoull(line.c_str(), nullptr, 16);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto known = keys.find(nodes[i].name);
    done_[i] = known != keys.end() && known->second == nodes[i].key &&
               std::all_of(nodes[i].needs.begin(), nodes[i].needs.end(),
                           [&](std::uint32_t need) { return done_[need]; });
  }
}

GraphLog::~GraphLog() {
  for (const int file : {locked_, fresh_})
    if (file >= 0) ::close(file);
}

std::size_t GraphLog::done() const {
  return static_cast<std::size_t>(std::count(done_.begin(), done_.end(), true));
}

void GraphLog::fail() const {
  throw FileError("cannot write " + file_ + ": " + std::strerror(errno));
}

void GraphLog::write(std::ostream& out, std::size_t node) const {
  char key[17];
  std::snprintf(key, sizeof key, "%016llx", static_cast<unsigned long long>(nodes_[node].key));
  out << key << ' ' << nodes_[node].name << '\n';
}

void GraphLog::lock() {
  const auto take = [&](const std::string& file) {
    const int taken = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (taken < 0) fail();
    if (::flock(taken, LOCK_EX | LOCK_NB) == 0) return taken;
    ::close(taken);
    throw FileError("another `quern graph` runs these commands (it writes " + file_ +
                    "): wait for its end, or name another file with --log");
  };
  // The first lock is that of the file that another process may have written; it is replaced.
  locked_ = take(file_);
  fresh_ = take(file_ + ".new");
}

void GraphLog::begin() {
  lock();
  const std::string fresh = file_ + ".new";
  {
    std::ofstream out(fresh, std::ios::trunc);
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (done_[i]) write(out, i);
    if (job_) write_job(out, *job_);  // it may still run
    if (!out.flush()) fail();
  }
  if (std::rename(fresh.c_str(), file_.c_str()) != 0) fail();
  out_.open(file_, std::ios::app);
  if (!out_) fail();
}

void GraphLog::note_job(Uuid job) {
  write_job(out_, job);
  if (!out_.flush()) fail();
}

void GraphLog::add(std::size_t node) {
  done_[node] = true;
  write(out_, node);
  if (!out_.flush()) fail();
}

}  // namespace quern::cli
