#include "cli/output/joblog.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "cli/output/shown_command.hpp"
#include "cli/output/table.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr std::uint64_t kTroublesTold = 3;
/// Seconds by a worker's clock, which may be any number.
std::string fixed(double seconds) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%10.3f",
                                   std::isfinite(seconds) ? std::clamp(seconds, -1e15, 1e15) : 0.0);
  return {text, static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(sizeof text) - 1))};
}

constexpr char kHeader[] =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

}  // namespace

void LoggedCommands::add(std::uint64_t number, std::string command) {
  numbers_[command].insert(number);
  commands_[number] = std::move(command);
}

LoggedCommands::Found LoggedCommands::take(std::uint64_t number, const std::string& command) {
  const auto known = numbers_.find(command);
  if (known != numbers_.end() && !known->second.empty()) {
    // Prefer the entry with the same number.
    if (known->second.erase(number) == 0) known->second.erase(known->second.begin());
    return {true, {}};
  }
  const auto at_its_place = commands_.find(number);
  if (at_its_place == commands_.end()) return {};
  if (number == cut_off_ && command.starts_with(at_its_place->second)) return {true, {}};
  if (++told_ > kTroublesTold) return {};
  return {false, "command " + std::to_string(number) + " in the log is different (" +
                     at_its_place->second + "), so it is run: " + command +
                     (told_ == kTroublesTold ? " (further differences are not reported)" : "")};
}

Joblog::Joblog(const std::string& file, Resume resume) : file_(file) {
  const bool go_on = resume != Resume::no && std::ifstream(file).good();
  if (go_on) read(resume);
  out_.open(file, go_on ? std::ios::app : std::ios::trunc);
  if (!go_on)
    out_ << kHeader << std::flush;
  else if (cut_off_)
    out_ << '\n' << std::flush;
  if (!out_) throw FileError("cannot write " + file);
}

void Joblog::read(Resume resume) {
  std::ifstream in(file_);
  std::string line;
  std::getline(in, line);
  if (line + '\n' != kHeader && !line.empty())
    throw FileError(file_ +
                    " is not a log of commands: its first line has other columns; name another "
                    "file with --joblog");
  while (std::getline(in, line)) {
    cut_off_ = in.eof();  // its newline is missing
    std::istringstream columns(line);
    std::uint64_t number = 0;
    std::string host, started, ran, sent, received;
    int code = 0, signal = 0;
    // A line that was cut off by a crash does not count as a finished command.
    if (!(columns >> number >> host >> started >> ran >> sent >> received >> code >> signal))
      continue;
    if (resume == Resume::all_but_succeeded && (code != 0 || signal != 0)) continue;
    std::string command;
    columns.get();  // the tab
    std::getline(columns, command);
    done_.add(number, std::move(command));
    if (cut_off_) done_.cut_off_ = number;
  }
}

void Joblog::add(const CommandResult& result, const std::string& command) {
  std::string host = result.host.empty() ? "-" : printable(result.host);
  std::replace(host.begin(), host.end(), ' ', '?');  // columns are separated by white space
  out_ << result.number << '\t' << host << '\t' << fixed(result.started_s) << '\t'
       << fixed(result.ran_s) << "\t0\t" << result.out.size() << '\t'
       << (result.timed_out ? -1 : result.code) << '\t' << result.signal << '\t'
       << on_one_line(command) << '\n'
       << std::flush;
  if (!out_) throw FileError("cannot write " + file_);
}

}  // namespace quern::cli
