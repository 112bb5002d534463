#include "gateway/people/answer_log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "gateway/broker/wall_clock.hpp"
#include "keys/files.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kKept_s = 90LL * 24 * 3600;

[[noreturn]] void fail(const std::string& file) {
  throw std::system_error(errno, std::generic_category(), file);
}

Json named(const ItemName& name) {
  return {{"job", name.job}, {"task", name.task}, {"at", wall_clock_s()}};
}

/// A line that another program changed, or the end of one that was being written: nothing.
bool take(Desk& desk, const Json& line, std::map<ItemName, std::string>& open) {
  if (!line.is_object() || !line.contains("job") || !line.contains("task")) return false;
  if (line.value("at", std::int64_t{0}) < wall_clock_s() - kKept_s) return false;
  const ItemName name{line["job"].get<std::string>(), line["task"].get<std::uint64_t>()};
  if (line.contains("by")) {
    desk.restore(
        name,
        {line["by"].get<std::string>(), line.value("answer", Json()), line.value("seconds", 0.0)},
        line.contains("right"), line.value("right", false));
    open[name] = line.value("function", "");
  } else {
    desk.restore_end(name, line.contains("agreed") ? std::optional(line["agreed"]) : std::nullopt);
    open.erase(name);
  }
  return true;
}

}  // namespace

AnswerLog::AnswerLog(std::string file) : file_(std::move(file)) {
  if (file_.empty()) return;
  // A file of its own, because the other one is replaced when old answers are dropped.
  lock_ = ::open((file_ + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) fail(file_ + ".lock");
  is_ours_ = ::flock(lock_, LOCK_EX | LOCK_NB) == 0;
  if (!is_ours_) return;
  fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ < 0) fail(file_);
}

AnswerLog::~AnswerLog() {
  if (fd_ >= 0) ::close(fd_);
  if (lock_ >= 0) ::close(lock_);
}

std::set<std::string> AnswerLog::load(Desk& desk) {
  if (fd_ < 0) return {};
  std::map<ItemName, std::string> open;
  std::ifstream in(file_);
  std::string kept;
  bool dropped = false;
  for (std::string text; std::getline(in, text);) {
    bool taken = false;
    try {
      taken = take(desk, shallow_json(text).value_or(Json()), open);
    } catch (const Json::exception&) {
      // the end of a line that was being written when the gateway was killed
    }
    if (taken)
      kept += text + '\n';
    else
      dropped = true;
  }
  std::set<std::string> functions;
  for (const auto& [name, function] : open) functions.insert(function);
  if (!dropped) return functions;
  keys::write_file(file_, kept);
  ::close(fd_);
  fd_ = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) fail(file_);
  return functions;
}

void AnswerLog::add(const ItemName& name, const std::string& function, const PersonsAnswer& answer,
                    bool gold, bool right) {
  Json line = named(name);
  line["function"] = function;
  line["by"] = answer.by;
  line["answer"] = answer.answer;
  line["seconds"] = answer.seconds;
  if (gold) line["right"] = right;
  write(json::line_of(line), true);
}

void AnswerLog::end(const ItemName& name, const std::optional<Json>& agreed) {
  Json line = named(name);
  if (agreed) line["agreed"] = *agreed;
  write(json::line_of(line), false);
}

void AnswerLog::write(const std::string& line, bool sync) {
  if (fd_ < 0) return;
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  // A line that is not whole, or not certain to be on the disk, must not stay: it was not accepted.
  const auto undo = [&] {
    const int why = errno;
    [[maybe_unused]] const int cut = ::ftruncate(fd_, before);
    errno = why;
    fail(file_);
  };
  std::size_t written = 0;
  while (written < line.size()) {
    const ssize_t some = ::write(fd_, line.data() + written, line.size() - written);
    if (some < 0 && errno != EINTR) undo();
    if (some > 0) written += static_cast<std::size_t>(some);
  }
  if (sync && ::fdatasync(fd_) != 0) undo();
}

}  // namespace quern::gateway
