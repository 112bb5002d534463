#include "cli/joblog.hpp"

#include <cstdio>
#include <sstream>

#include "cli/options.hpp"

namespace quern::cli {
namespace {

constexpr char kHeader[] = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

}  // namespace

Joblog::Joblog(const std::string& file, Resume resume) : file_(file) {
  const bool go_on = resume != Resume::no && std::ifstream(file).good();
  if (go_on) read(resume);
  out_.open(file, go_on ? std::ios::app : std::ios::trunc);
  if (!go_on) out_ << kHeader << std::flush;
  else if (cut_off_) out_ << '\n' << std::flush;
  if (!out_) throw FileError("cannot write " + file);
}

void Joblog::read(Resume resume) {
  std::ifstream in(file_);
  std::string line;
  std::getline(in, line);
  if (line + '\n' != kHeader && !line.empty()) throw FileError(file_ + " is no log of commands: its first line has other columns");
  while (std::getline(in, line)) {
    cut_off_ = in.eof();  // its newline is missing
    std::istringstream columns(line);
    std::uint64_t number = 0;
    std::string host, started, ran, sent, received;
    int code = 0, signal = 0;
    // A line that was cut off by a crash is no command that has ended.
    if (!(columns >> number >> host >> started >> ran >> sent >> received >> code >> signal)) continue;
    if (resume == Resume::all_but_logged || (code == 0 && signal == 0)) done_.insert(number);
  }
}

void Joblog::add(const CommandResult& result, const std::string& command) {
  char times[64];
  std::snprintf(times, sizeof times, "%.3f\t%10.3f", result.started_s, result.ran_s);
  std::string shown = command;
  for (char& c : shown)
    if (c == '\n' || c == '\t') c = ' ';
  out_ << result.number << '\t' << (result.host.empty() ? "-" : result.host) << '\t' << times << "\t0\t" << result.out.size() << '\t'
       << (result.timed_out ? -1 : result.code) << '\t' << result.signal << '\t' << shown << '\n'
       << std::flush;
  if (!out_) throw FileError("cannot write " + file_);
}

}  // namespace quern::cli
