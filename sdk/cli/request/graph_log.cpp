#include "cli/request/graph_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

#include "cli/syntax/options.hpp"

namespace quern::cli {

GraphLog::GraphLog(std::string file, const std::vector<GraphNode>& nodes, bool again)
    : file_(std::move(file)), nodes_(nodes), done_(nodes.size()) {
  std::map<std::string, std::uint64_t> keys;
  if (std::ifstream in(file_); in && !again)
    // A line that a crash cut off has another name, or no line end: the command runs again.
    for (std::string line; std::getline(in, line) && !in.eof();)
      if (const auto blank = line.find(' '); blank != std::string::npos)
        keys[line.substr(blank + 1)] = std::strtoull(line.c_str(), nullptr, 16);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto known = keys.find(nodes[i].name);
    done_[i] = known != keys.end() && known->second == nodes[i].key &&
               std::all_of(nodes[i].needs.begin(), nodes[i].needs.end(),
                           [&](std::uint32_t need) { return done_[need]; });
  }
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

void GraphLog::begin() {
  const std::string fresh = file_ + ".new";
  {
    std::ofstream out(fresh, std::ios::trunc);
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (done_[i]) write(out, i);
    if (!out.flush()) fail();
  }
  if (std::rename(fresh.c_str(), file_.c_str()) != 0) fail();
  out_.open(file_, std::ios::app);
  if (!out_) fail();
}

void GraphLog::add(std::size_t node) {
  done_[node] = true;
  write(out_, node);
  if (!out_.flush()) fail();
}

}  // namespace quern::cli
