#include "broker/actors/store_schedules.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "broker/actors/checksum.hpp"
#include "wire/codec.hpp"
#include "wire/words.hpp"

namespace quern::broker {
namespace {

constexpr std::size_t kLengthBytes = 4;

std::string definition_column(const wire::Schedule& definition) {
  std::string out;
  for (const wire::Buffer& frame : wire::encode({wire::SessionId{}, definition})) {
    for (std::size_t i = 0; i < kLengthBytes; ++i)
      out.push_back(static_cast<char>(frame.size() >> (8 * i) & 0xff));
    out.append(frame.view());
  }
  return out;
}

std::optional<wire::Schedule> definition_in(std::string_view column) {
  wire::Frames frames;
  while (!column.empty()) {
    if (column.size() < kLengthBytes) return std::nullopt;
    std::size_t size = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;)
      size = size << 8 | static_cast<unsigned char>(column[i]);
    column.remove_prefix(kLengthBytes);
    if (column.size() < size) return std::nullopt;
    frames.push_back(wire::Buffer::copy(column.substr(0, size)));
    column.remove_prefix(size);
  }
  auto decoded = wire::decode(std::move(frames));
  auto* envelope = std::get_if<wire::Envelope>(&decoded);
  auto* schedule = envelope ? std::get_if<wire::Schedule>(&envelope->message) : nullptr;
  if (!schedule || !schedule->job) return std::nullopt;
  return std::move(*schedule);
}

template <typename Number>
bool take(std::string_view& line, Number& out) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), out);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
  return true;
}

std::optional<ScheduleRun> run_in(std::string_view line) {
  ScheduleRun run;
  std::uint64_t job = 0;
  if (!take(line, run.due_ms) || !take(line, run.at_ms)) return std::nullopt;
  const std::size_t blank = line.find(' ');
  const auto outcome = wire::from_word<RunOutcome>(line.substr(0, blank));
  if (blank == line.npos || !outcome) return std::nullopt;
  line.remove_prefix(blank + 1);
  if (!take(line, job)) return std::nullopt;
  run.outcome = *outcome;
  run.job = JobNumber{job};
  run.text = line;
  return run;
}

[[noreturn]] void damaged(const Database& database, std::uint64_t id, const char* what) {
  throw StoreError(StoreError::Kind::corrupt,
                   database.path() + ": " + what + " of schedule " + std::to_string(id) +
                       " is damaged; restore a backup, or start with another --store");
}

}  // namespace

std::string column_of(const std::vector<ScheduleRun>& runs) {
  std::string out;
  for (const ScheduleRun& run : runs) {
    std::string text = run.text;
    std::replace(text.begin(), text.end(), '\n', ' ');
    out += std::to_string(run.due_ms) + ' ' + std::to_string(run.at_ms) + ' ' +
           std::string(to_string(run.outcome)) + ' ' + std::to_string(value(run.job)) + ' ' + text +
           '\n';
  }
  return out;
}

std::optional<std::vector<ScheduleRun>> runs_in(std::string_view column) {
  std::vector<ScheduleRun> runs;
  while (!column.empty()) {
    const std::size_t end = column.find('\n');
    if (end == column.npos) return std::nullopt;
    auto run = run_in(column.substr(0, end));
    if (!run) return std::nullopt;
    runs.push_back(std::move(*run));
    column.remove_prefix(end + 1);
  }
  return runs;
}

void put_schedule(Database& database, const ScheduleRecord& record) {
  const std::string definition = definition_column(record.definition);
  const std::string runs = column_of(record.progress.runs);
  Statement(database,
            "INSERT OR REPLACE INTO schedules(id, owner, name, paused, passed_ms, runs, "
            "definition, checksum) VALUES (?,?,?,?,?,?,?,?)")
      .bind(record.id)
      .bind(record.owner)
      .bind(record.definition.name)
      .bind(std::uint64_t{record.progress.paused})
      .bind(record.progress.passed_ms)
      .bind(runs)
      .bind_blob(definition)
      .bind(checksum_of({definition}))
      .run();
}

void save_schedule(Database& database, const SaveSchedule& save) {
  const std::string runs = column_of(save.progress.runs);
  Statement(database, "UPDATE schedules SET paused=?, passed_ms=?, runs=? WHERE id=?")
      .bind(std::uint64_t{save.progress.paused})
      .bind(save.progress.passed_ms)
      .bind(runs)
      .bind(save.id)
      .run();
}

void drop_schedule(Database& database, const DropSchedule& drop) {
  Statement(database, "DELETE FROM schedules WHERE id=?").bind(drop.id).run();
}

std::vector<ScheduleRecord> read_schedules(Database& database) {
  std::vector<ScheduleRecord> out;
  Statement rows(database,
                 "SELECT id, owner, paused, passed_ms, runs, definition, checksum FROM schedules "
                 "ORDER BY id");
  while (rows.step()) {
    ScheduleRecord record;
    record.id = rows.number();
    record.owner = rows.text();
    record.progress.paused = rows.number() != 0;
    record.progress.passed_ms = rows.number();
    auto runs = runs_in(rows.text());
    if (!runs) damaged(database, record.id, "the history");
    record.progress.runs = std::move(*runs);
    const std::string_view definition = rows.blob();
    auto schedule = definition_in(definition);
    if (!schedule || rows.integer() != checksum_of({definition}))
      damaged(database, record.id, "the definition");
    record.definition = std::move(*schedule);
    out.push_back(std::move(record));
  }
  return out;
}

}  // namespace quern::broker
