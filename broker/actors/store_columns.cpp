#include "broker/actors/store_columns.hpp"

#include <bit>
#include <charconv>
#include <cmath>

#include "notation/hex.hpp"
#include "wire/words.hpp"

namespace quern::broker {
namespace {

/// Reads from the front of a text; after the first mismatch, everything fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool ok() const { return ok_; }

  std::uint64_t number() {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), n);
    if (error != std::errc{}) return fail();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return n;
  }
  void expect(char c) {
    if (rest_.empty() || rest_[0] != c)
      fail();
    else
      rest_.remove_prefix(1);
  }
  std::string_view word() { return take(std::min(rest_.find(' '), rest_.size())); }
  std::string_view take(std::size_t n) {
    if (n > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  std::uint64_t fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void append(std::string& out, wire::Interval tasks) {
  if (!out.empty()) out += ',';
  out += std::to_string(tasks.begin);
  out += '-';
  out += std::to_string(tasks.end);
}

wire::Interval interval(Reader& reader) {
  wire::Interval tasks;
  tasks.begin = reader.number();
  reader.expect('-');
  tasks.end = reader.number();
  return tasks;
}

}  // namespace

std::string column_of(const wire::Intervals& intervals) {
  std::string out;
  for (const auto& tasks : intervals) append(out, tasks);
  return out;
}

std::string column_of(const std::vector<CountedTasks>& counted) {
  std::string out;
  for (const auto& each : counted) {
    append(out, each.tasks);
    out += ':';
    out += std::to_string(each.count);
  }
  return out;
}

std::string column_of_tasks(const ResultEntry& entry) {
  std::string out = column_of(entry.tasks);
  if (!entry.written.empty()) out += ';' + column_of(entry.written);
  return out;
}

std::string column_of(const std::vector<TaskError>& errors) {
  std::string out;
  for (const auto& e : errors) {
    out += std::to_string(e.first) + ' ' + std::to_string(e.count) + ' ' +
           std::string(wire::word(e.code)) + ' ' + std::to_string(e.text.size()) + ' ';
    out += e.text;
    out += '\n';
  }
  return out;
}

std::string column_of(const JobEdge& edge) {
  return std::string(wire::word(edge.pattern)) + ' ' + std::to_string(value(edge.number)) + ' ' +
         std::to_string(edge.width) + ' ' + std::to_string(edge.step) + ' ' +
         (edge.ended ? "1" : "0");
}

std::optional<JobEdge> edge_in(std::string_view column) {
  const std::size_t blank = column.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto pattern = wire::from_word<EdgePattern>(column.substr(0, blank));
  JobEdge edge;
  Reader reader(column.substr(blank + 1));
  edge.number = JobNumber{reader.number()};
  reader.expect(' ');
  edge.width = reader.number();
  reader.expect(' ');
  edge.step = reader.number();
  reader.expect(' ');
  edge.ended = reader.number() != 0;
  if (!pattern || !reader.ok() || !reader.at_end() || edge.width == 0 || edge.step == 0)
    return std::nullopt;
  edge.pattern = *pattern;
  return edge;
}

std::optional<wire::Intervals> intervals_in(std::string_view column) {
  wire::Intervals out;
  for (Reader reader(column); !reader.at_end();) {
    if (!out.empty()) reader.expect(',');
    out.push_back(interval(reader));
    if (!reader.ok()) return std::nullopt;
  }
  if (!wire::well_formed(out)) return std::nullopt;
  return out;
}

bool tasks_in(std::string_view column, ResultEntry& entry) {
  const std::size_t end = std::min(column.find(';'), column.size());
  auto tasks = intervals_in(column.substr(0, end));
  auto written = intervals_in(end < column.size() ? column.substr(end + 1) : std::string_view());
  if (!tasks || !written) return false;
  entry.tasks = std::move(*tasks);
  entry.written = std::move(*written);
  return true;
}

std::optional<std::vector<CountedTasks>> counted_in(std::string_view column) {
  std::vector<CountedTasks> out;
  for (Reader reader(column); !reader.at_end();) {
    if (!out.empty()) reader.expect(',');
    CountedTasks counted{interval(reader), 0};
    reader.expect(':');
    counted.count = static_cast<std::uint32_t>(reader.number());
    if (!reader.ok() || counted.tasks.empty()) return std::nullopt;
    out.push_back(counted);
  }
  return out;
}

std::optional<std::vector<TaskError>> errors_in(std::string_view column) {
  std::vector<TaskError> out;
  for (Reader reader(column); !reader.at_end();) {
    TaskError error;
    error.first = reader.number();
    reader.expect(' ');
    error.count = reader.number();
    reader.expect(' ');
    const auto code = wire::from_word<ErrorCode>(reader.word());
    reader.expect(' ');
    const std::uint64_t length = reader.number();
    reader.expect(' ');
    error.text = std::string(reader.take(length));
    reader.expect('\n');
    if (!reader.ok() || !code) return std::nullopt;
    error.code = *code;
    out.push_back(std::move(error));
  }
  return out;
}

std::string column_of(const std::vector<float>& costs) {
  std::string column;
  column.reserve(4 * costs.size());
  for (const float cost : costs) {
    const auto bits = std::bit_cast<std::uint32_t>(cost);
    for (int shift = 0; shift < 32; shift += 8) column += static_cast<char>(bits >> shift & 0xffu);
  }
  return column;
}

std::optional<std::vector<float>> costs_in(std::string_view column) {
  if (column.size() % 4 != 0) return std::nullopt;
  std::vector<float> costs;
  for (std::size_t at = 0; at < column.size(); at += 4) {
    std::uint32_t bits = 0;
    for (std::size_t i = 4; i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(column[at + i]);
    costs.push_back(std::bit_cast<float>(bits));
    if (!(costs.back() >= 0) || std::isinf(costs.back())) return std::nullopt;
  }
  return costs;
}

std::optional<Uuid> uuid_in(std::string_view text) {
  Uuid uuid;
  std::size_t nibbles = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int digit = notation::hex_value(c);
    if (digit < 0 || nibbles == 32) return std::nullopt;
    auto& byte = uuid.bytes[nibbles / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | digit);
    ++nibbles;
  }
  if (nibbles != 32) return std::nullopt;
  return uuid;
}

}  // namespace quern::broker
