#include "broker/actors/check_store.hpp"

#include <filesystem>
#include <vector>

#include "broker/actors/checksum.hpp"
#include "broker/actors/sqlite_store.hpp"
#include "broker/actors/store_schedules.hpp"
#include "broker/actors/store_schema.hpp"
#include "notation/moment.hpp"
#include "wire/blob.hpp"

namespace quern::broker {
namespace {

using wire::Interval;
using wire::IntervalSet;

/// Inconsistencies within one job.
std::vector<std::string> problems_of(const RecoveredJob& job) {
  std::vector<std::string> found;
  const JobProgress& p = job.progress;
  const IntervalSet ended(p.ended);
  const IntervalSet failed(p.failed);
  if (!ended.empty() && ended.back_end() > p.total)
    found.push_back("tasks beyond its total have ended");
  if (ended.size() != p.done + failed.size() + p.cancelled)
    found.push_back(
        "the numbers of done, failed and cancelled tasks do not add up to the ended ones");
  for (const auto& tasks : p.failed)
    if (!ended.contains(tasks)) found.push_back("a failed task has not ended");
  if (is_final(p.state) && ended.size() != p.total)
    found.push_back("it has ended, but some of its tasks have not");
  if (job.birth.input != InputKind::range || (p.decision && p.decision->takes == Takes::whole)) {
    IntervalSet there;
    for (const StoredInput& row : job.inputs)
      if (there.add({row.first, row.first + row.count}) != row.count)
        found.push_back("two rows of input overlap");
    IntervalSet wanted(ended.missing({0, p.total}));
    for (const auto& tasks : p.failed) wanted.add(tasks);
    if (job.birth.function == wire::kBlobFunction && p.state == JobState::done)
      wanted.add({0, p.total});
    for (const auto& tasks : wanted.list())
      if (!there.contains(tasks))
        found.push_back("input of tasks " + std::to_string(tasks.begin) + " to " +
                        std::to_string(tasks.end - 1) + " is missing");
  }
  std::uint64_t before = 0;
  for (const RecoveredPartial& partial : job.partials) {
    if (partial.tasks.empty() || partial.tasks.begin < before)
      found.push_back("two partial results overlap");
    before = partial.tasks.end;
  }
  return found;
}

}  // namespace

bool check_store(const std::string& folder, std::ostream& out) {
  const std::string file = SqliteStore::file_in(folder);
  if (!std::filesystem::exists(file))
    throw StoreError(StoreError::Kind::unusable, "there is no store in " + folder);
  const CommitFile::Found found =
      CommitFile::read(folder);  // before the store, because a broker may be writing
  Database database(file, Database::Mode::read);
  require_schema(database);
  std::uint64_t wrong = 0;
  const auto problem = [&](const std::string& text) {
    ++wrong;
    out << "problem: " << text << '\n';
  };
  if (!found.trouble.empty()) out << "warning: " << found.trouble << '\n';
  if (const auto loss = loss_of(database, found)) problem(loss->text());
  Statement integrity(database, "PRAGMA integrity_check(20)");
  while (integrity.step()) {
    const std::string line(integrity.text());
    if (line != "ok") problem("the file is damaged: " + line);
  }
  for (const char* table : {"inputs", "results"}) {
    Statement rows(database, (std::string("SELECT job, sizes, bytes, checksum FROM ") + table +
                              " WHERE job NOT IN (SELECT job FROM dropped)")
                                 .c_str());
    while (rows.step()) {
      const std::uint64_t job = rows.number();
      const std::string_view sizes = rows.blob(), bytes = rows.blob();
      if (!rows.is_null() && rows.integer() != checksum_of({sizes, bytes}))
        problem("job " + std::to_string(job) + ": a row of its " + table +
                " differs from what was written");
    }
  }
  std::uint64_t unfinished = 0, queued = 0, results = 0;
  const auto jobs = read_jobs(database);
  for (const RecoveredJob& job : jobs) {
    if (!is_final(job.progress.state)) {
      ++unfinished;
      queued += job.progress.total - wire::size(job.progress.ended);
    }
    results += job.results.size();
    for (const std::string& text : problems_of(job))
      problem("job " + std::to_string(value(job.birth.number)) + ": " + text);
  }
  const std::size_t schedules = read_schedules(database).size();
  out << file << ": " << jobs.size() << " jobs, " << unfinished << " unfinished with " << queued
      << " tasks to run, " << results << " unread result entries, " << schedules
      << (schedules == 1 ? " schedule, " : " schedules, ")
      << database.number("SELECT value FROM meta WHERE key = 'incarnation'") << " starts so far\n";
  if (const auto lost = database.number("SELECT value FROM meta WHERE key = 'lost'"); lost != 0)
    out << "earlier starts detected the loss of " << lost << " commits, last at "
        << notation::moment_text(database.number("SELECT value FROM meta WHERE key = 'lost_at'"))
        << '\n';
  out << (wrong == 0 ? "the store is intact\n"
                     : std::to_string(wrong) +
                           " problems; restore a backup, or start with another --store\n");
  return wrong == 0;
}

}  // namespace quern::broker
