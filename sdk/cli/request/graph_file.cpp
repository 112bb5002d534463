#include "cli/request/graph_file.hpp"

#include <map>
#include <sstream>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

struct GraphLine {
  std::size_t number = 0;
  std::string name;
  std::vector<std::string> needs;
  std::string command;
};

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

[[noreturn]] void fail_line(const std::string& file, std::size_t line, const std::string& what) {
  throw FileError(file + ", line " + std::to_string(line) + ": " + what);
}

std::string without_margin(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  const auto end = text.find_last_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

GraphLine graph_line_in(const std::string& text, std::size_t number, const std::string& file) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos)
    fail_line(file, number,
              "there is no `:` between the names and the command: NAME [NEEDS...] : COMMAND");
  GraphLine line;
  line.number = number;
  std::istringstream names(text.substr(0, colon));
  if (!(names >> line.name)) fail_line(file, number, "the name before the `:` is missing");
  for (std::string need; names >> need;) line.needs.push_back(need);
  line.command = without_margin(text.substr(colon + 1));
  if (line.command.empty())
    fail_line(file, number, "the command of `" + line.name + "` is missing after the `:`");
  return line;
}

std::vector<GraphLine> graph_lines_in(const std::string& text, const std::string& file) {
  std::vector<GraphLine> lines;
  std::istringstream stream(text);
  std::string whole;
  std::size_t number = 0, begun = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (line.find('\0') != std::string::npos)
      fail_line(file, number, "there is a byte 0, at which a command would end");
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    if (whole.empty()) {
      begun = number;
      const auto first = line.find_first_not_of(" \t");
      if (first != std::string::npos && line[first] == '#') continue;  // a comment does not go on
    }
    const bool goes_on = !line.empty() && line.back() == '\\';
    if (goes_on) line.pop_back();
    whole += line;
    if (goes_on) continue;
    const std::string one = without_margin(std::exchange(whole, {}));
    if (!one.empty()) lines.push_back(graph_line_in(one, begun, file));
  }
  if (!without_margin(whole).empty())
    lines.push_back(graph_line_in(without_margin(whole), begun, file));
  if (lines.empty())
    throw FileError(file + " has no commands: write lines NAME [NEEDS...] : COMMAND");
  return lines;
}

/// FNV-1a.
std::uint64_t mixed_in(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

/// Puts lines into the list, each after those that it needs. Without recursion, because a chain may
/// be long.
class Sorter {
 public:
  Sorter(std::vector<GraphLine> lines, const std::string& file)
      : lines_(std::move(lines)), file_(file), states_(lines_.size()) {
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (const auto [at, fresh] = by_name_.emplace(lines_[i].name, i); !fresh)
        fail_line(file_, lines_[i].number,
                  "`" + lines_[i].name + "` is also in line " +
                      std::to_string(lines_[at->second].number));
  }

  std::vector<GraphNode> sorted() {
    for (std::size_t i = 0; i < lines_.size(); ++i) visit(i);
    return std::move(nodes_);
  }

 private:
  enum class State : unsigned char { fresh, open, placed };
  struct Step {
    std::size_t line;
    std::size_t next_need;
  };

  std::size_t need_of(const GraphLine& line, std::size_t i) const {
    const auto found = by_name_.find(line.needs[i]);
    if (found == by_name_.end())
      fail_line(file_, line.number,
                "`" + line.name + "` needs `" + line.needs[i] + "`, which no line defines");
    return found->second;
  }

  void visit(std::size_t first) {
    if (states_[first] == State::placed) return;
    std::vector<Step> path{{first, 0}};
    states_[first] = State::open;
    while (!path.empty()) {
      Step& step = path.back();
      const GraphLine& line = lines_[step.line];
      if (step.next_need == line.needs.size()) {
        place(step.line);
        path.pop_back();
        continue;
      }
      const std::size_t need = need_of(line, step.next_need++);
      if (states_[need] == State::open) fail_cycle(path, need);
      if (states_[need] == State::placed) continue;
      states_[need] = State::open;
      path.push_back({need, 0});
    }
  }

  [[noreturn]] void fail_cycle(const std::vector<Step>& path, std::size_t need) const {
    constexpr std::size_t kNamed = 8;  // of a long cycle, the first and the last ones
    std::vector<std::string> cycle;
    for (const Step& step : path)
      if (!cycle.empty() || step.line == need) cycle.push_back(lines_[step.line].name);
    std::string names;
    for (std::size_t i = 0; i < cycle.size(); ++i)
      if (i < kNamed || i + kNamed >= cycle.size())
        names += cycle[i] + " -> ";
      else if (i == kNamed)
        names += "(" + std::to_string(cycle.size() - 2 * kNamed) + " more) -> ";
    fail_line(file_, lines_[need].number,
              "a cycle can never start: " + names + lines_[need].name + " (read -> as \"needs\")");
  }

  void place(std::size_t i) {
    const GraphLine& line = lines_[i];
    states_[i] = State::placed;
    places_[i] = static_cast<std::uint32_t>(nodes_.size());
    GraphNode node{line.name, {}, line.command, mixed_in(14695981039346656037ULL, line.command)};
    for (std::size_t k = 0; k < line.needs.size(); ++k) {
      const std::uint32_t need = places_.at(need_of(line, k));
      node.needs.push_back(need);
      node.key = mixed_in(node.key, ' ' + std::to_string(nodes_[need].key));
    }
    nodes_.push_back(std::move(node));
  }

  std::vector<GraphLine> lines_;
  const std::string& file_;
  std::map<std::string, std::size_t> by_name_;
  std::vector<State> states_;
  std::map<std::size_t, std::uint32_t> places_;  // by line
  std::vector<GraphNode> nodes_;
};

}  // namespace

std::vector<GraphNode> graph_in(const std::string& text, const std::string& file) {
  return Sorter(graph_lines_in(text, file), file).sorted();
}

}  // namespace quern::cli
