// PROTOCOL.md is the specification for other implementations: its tables of messages are compared
// with keys.hpp, row by row, and its worked example with the golden file.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "wire/golden.hpp"
#include "wire/keys.hpp"
#include "wire/samples.hpp"
#include "wire/words.hpp"

namespace quern::wire::test {
namespace {

struct Row {
  std::string key;
  std::string type;
  std::string standard;  ///< the default
};

std::vector<std::string> page() {
  std::ifstream in(std::string(QUERN_SOURCE_DIR) + "/sdk/wire/PROTOCOL.md");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

/// The rows of the table below the heading that begins with `heading`.
std::vector<Row> rows_below(const std::string& heading) {
  std::vector<Row> rows;
  bool inside = false;
  for (const auto& line : page()) {
    if (line.starts_with("#")) inside = line == heading || line.starts_with(heading + " ");
    if (!inside || !line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, '|');) cells.push_back(trimmed(cell));
    rows.push_back({cells[1].substr(1, cells[1].size() - 2), cells[2], cells[3]});
  }
  return rows;
}

std::string name_in_page(Of<TaskError>) { return "TASK_ERROR"; }
std::string name_in_page(Of<WorkerShare>) { return "SHARE"; }
std::string name_in_page(Of<LeaseSpan>) { return "SPAN"; }
std::string name_in_page(Of<JobStatus>) { return "JOB_STATUS"; }
std::string name_in_page(Of<Capacity>) { return "CAPACITY"; }
std::string name_in_page(Of<FunctionDecl>) { return "FUNCTION"; }
std::string name_in_page(Of<ReducerDecl>) { return "REDUCER"; }
std::string name_in_page(Of<FunctionRate>) { return "FUNCTION_RATE"; }
std::string name_in_page(Of<WorkerStatus>) { return "WORKER_STATUS"; }
std::string name_in_page(Of<BrokerStatus>) { return "BROKER_STATUS"; }
std::string name_in_page(Of<ErrorGroup>) { return "ERROR_GROUP"; }
std::string name_in_page(Of<TaskSpan>) { return "TASK_SPAN"; }
std::string name_in_page(Of<JobEdge>) { return "EDGE"; }
std::string name_in_page(Of<TaskNote>) { return "TASK_NOTE"; }
std::string name_in_page(Of<ScheduleRun>) { return "SCHEDULE_RUN"; }
std::string name_in_page(Of<ScheduleStatus>) { return "SCHEDULE_STATUS"; }
std::string name_in_page(Of<Submit>) { return "SUBMIT"; }
std::string name_in_page(Of<Histogram>) { return "HISTOGRAM"; }
std::string name_in_page(Of<FunctionCounters>) { return "FUNCTION_COUNTERS"; }
std::string name_in_page(Of<HeldLease>) { return "HELD_LEASE"; }
std::string name_in_page(Of<WorkerOffer>) { return "OFFER"; }
std::string name_in_page(Of<HeldJob>) { return "HELD_JOB"; }
std::string name_in_page(Of<KnownJob>) { return "KNOWN_JOB"; }
std::string name_in_page(Of<JobOptions>) { return "OPTIONS"; }
std::string name_in_page(Of<Uuid>) { return "uuid"; }
std::string name_in_page(Of<LeaseId>) { return "lease"; }
std::string name_in_page(Of<ReportId>) { return "report"; }
std::string name_in_page(Of<std::string>) { return "text"; }

std::string type_in_page(std::uint64_t) { return "uint"; }
std::string type_in_page(std::uint32_t) { return "u32"; }
std::string type_in_page(std::int64_t) { return "int"; }
std::string type_in_page(std::int32_t) { return "i32"; }
std::string type_in_page(JobNumber) { return "uint"; }

/// A visitor of keys.hpp that writes the rows as the page must show them.
template <typename T>
class RowVisitor {
 public:
  explicit RowVisitor(std::vector<Row>& rows) : rows_(rows) { describe(*this, Of<T>{}); }

  template <typename N>
  void number(std::string_view key, N T::*field, Bounds = {}) {
    add(key, type_in_page(defaults_.*field),
        std::to_string(static_cast<std::int64_t>(defaults_.*field)));
  }
  template <typename N>
  void always(std::string_view key, N T::*field) {
    number(key, field);
  }
  void real(std::string_view key, double T::*field, Sign) {
    add(key, "real", std::to_string(static_cast<int>(defaults_.*field)));
  }
  void flag(std::string_view key, bool T::*) { add(key, "bool", "false"); }
  void name(std::string_view key, std::string T::*) { add(key, "name", "empty"); }
  void text(std::string_view key, std::string T::*) { add(key, "text", "empty"); }
  void bytes(std::string_view key, Bytes T::*) { add(key, "bytes", "empty"); }
  template <typename Enum>
  void word(std::string_view key, Enum T::*field) {
    add(key, "word", "`" + std::string(wire::word(defaults_.*field)) + "`");
  }
  void code(std::string_view key, ErrorCode T::*field) { word(key, field); }
  template <typename Enum>
  void words(std::string_view key, std::vector<Enum> T::*) {
    add(key, "list of word", "empty");
  }
  void uuid(std::string_view key, Uuid T::*) { add(key, "uuid", "nil"); }
  void uuid(std::string_view key, std::optional<Uuid> T::*) { add(key, "uuid", "absent"); }
  template <typename Id>
  void id(std::string_view key, Id T::*) {
    add(key, name_in_page(Of<Id>{}), "[0, 0]");
  }
  void intervals(std::string_view key, Intervals T::*) { add(key, "intervals", "empty"); }
  void numbers(std::string_view key, std::vector<std::uint64_t> T::*) {
    add(key, "list of uint", "empty");
  }
  void names(std::string_view key, std::map<std::string, std::string> T::*) {
    add(key, "map of name", "empty");
  }
  void reals(std::string_view key, std::map<std::string, double> T::*) {
    add(key, "map of real", "empty");
  }
  template <typename M>
  void object(std::string_view key, M T::*) {
    add(key, name_in_page(Of<M>{}), "defaults");
  }
  template <typename M>
  void object(std::string_view key, std::optional<M> T::*) {
    add(key, name_in_page(Of<M>{}), "absent");
  }
  template <typename M>
  void list(std::string_view key, std::vector<M> T::*) {
    add(key, "list of " + name_in_page(Of<M>{}), "empty");
  }
  void part(std::string_view key, bool T::*, Buffer T::*) { add(key, "bool", "false"); }
  void body(Buffer T::*) {}
  void batch(Batch T::*) { add("count", "uint", "0"); }
  void costs(std::vector<float> T::*) { add("costs", "bool", "false"); }

 private:
  void add(std::string_view key, std::string type, std::string standard) {
    rows_.push_back({std::string(key), std::move(type), std::move(standard)});
  }

  std::vector<Row>& rows_;
  T defaults_{};
};

template <typename T>
void expect_on_page(const std::string& heading) {
  SCOPED_TRACE(heading);
  std::vector<Row> expected;
  RowVisitor<T> visitor(expected);
  const auto rows = rows_below(heading);
  ASSERT_EQ(rows.size(), expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].key, expected[i].key);
    EXPECT_EQ(rows[i].type, expected[i].type) << rows[i].key;
    if (rows[i].standard == "required") continue;
    EXPECT_EQ(rows[i].standard, expected[i].standard) << rows[i].key;
  }
}

TEST(ProtocolPage, the_page_lists_every_message) {
  for (const auto& s : samples()) {
    std::visit(
        []<typename T>(const T&) {
          constexpr auto type = info(Of<T>{});
          expect_on_page<T>("#### " + std::string(type.name) + " (" + std::to_string(type.number) +
                            ")");
        },
        s.envelope.message);
  }
}

template <typename... T>
void expect_nested_on_page() {
  (expect_on_page<T>("#### " + name_in_page(Of<T>{})), ...);
}

TEST(ProtocolPage, the_page_lists_every_nested_map) {
  expect_nested_on_page<TaskError, ErrorGroup, WorkerShare, LeaseSpan, JobStatus, Capacity,
                        FunctionDecl, ReducerDecl, FunctionRate, WorkerStatus, BrokerStatus,
                        Histogram, FunctionCounters, HeldLease, WorkerOffer, HeldJob, KnownJob,
                        JobOptions, JobEdge, ScheduleStatus, ScheduleRun>();
}

TEST(ProtocolPage, the_page_lists_every_word) {
  std::string text;
  for (const auto& line : page()) text += line + "\n";
  const auto has = [&](const auto& words) {
    for (const auto word : words)
      EXPECT_NE(text.find("`" + std::string(word) + "`"), std::string::npos) << word;
  };
  has(Words<ErrorCode>::list);
  has(Words<JobState>::list);
  has(Words<InputKind>::list);
  has(Words<Takes>::list);
  has(Words<Durability>::list);
  has(Words<Encoding>::list);
  has(Words<Role>::list);
  has(Words<QueryWhat>::list);
  has(Words<LeaseKind>::list);
  has(Words<TaskState>::list);
  has(Words<EdgePattern>::list);
  has(Words<Join>::list);
  has(Words<Missed>::list);
  has(Words<Overlap>::list);
  has(Words<RunOutcome>::list);
  has(Words<ScheduleAction>::list);
}

std::string digits_of(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c >= '0' && c <= '9') out += c;
  return out;
}

/// The digits in a row of the limits table: "1 to 4 096" gives 14096, "2^62" gives 262. Different
/// numbers stay different.
std::string limit_on_page(const std::string& what) {
  for (const auto& line : page())
    if (line.starts_with("| " + what + " |")) return digits_of(line.substr(what.size() + 4));
  return "no such row";
}

TEST(ProtocolPage, the_page_lists_the_limits) {
  const auto limit = [](std::uint64_t n) { return std::to_string(n); };
  EXPECT_EQ(limit_on_page("parts of a message"), limit(kPartsMax));
  EXPECT_EQ(limit_on_page("header part"), limit(kHeaderBytesMax));
  EXPECT_EQ(limit_on_page("nesting of a header"), limit(kDepthMax));
  EXPECT_EQ(limit_on_page("one item, one whole input, one result, one common input, any part"),
            limit(kItemBytesMax) + "64");
  EXPECT_EQ(limit_on_page("all batch parts of a message together, unless it holds one item"),
            limit(kBatchBytesMax) + "1");
  EXPECT_EQ(limit_on_page("payloads in one batch"), limit(kBatchTasksMax));
  EXPECT_EQ(limit_on_page("names"), limit(kNameBytesMax));
  EXPECT_EQ(limit_on_page("texts"), limit(kTextBytesMax));
  EXPECT_EQ(limit_on_page("entries of a list, of a map, intervals of a list"), limit(kListMax));
  EXPECT_EQ(limit_on_page("identity of a reducer"), limit(kIdentityBytesMax));
  EXPECT_EQ(limit_on_page("attempts"), "1" + limit(kAttemptsMax));
  EXPECT_EQ(limit_on_page("timeout_ms"), "1012");
  EXPECT_EQ(limit_on_page("tasks of a job, task index"), "262");
  EXPECT_EQ(limit_on_page("slots of a worker"), "1" + limit(kSlotsMax));
  EXPECT_EQ(kTimeoutMsMax, 1'000'000'000'000u);
  EXPECT_EQ(kTasksMax, std::uint64_t{1} << 62);
}

bool is_byte(const std::string& word) {
  return word.size() == 2 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

TEST(ProtocolPage, the_example_on_the_page_is_the_golden_file) {
  std::string golden;
  bool inside = false;
  for (const auto& line : page()) {
    if (line.starts_with("    part ")) {
      golden += line.substr(4, 6) + "\n";
      inside = true;
      continue;
    }
    inside = inside && line.starts_with("    ");
    std::istringstream words(line);
    for (std::string word; inside && words >> word && is_byte(word);) golden += word;
    if (inside) golden += "\n";
  }
  EXPECT_EQ(golden_frames(golden), golden_frames(read_golden("submit_two_raw_items")));
}

}  // namespace
}  // namespace quern::wire::test
