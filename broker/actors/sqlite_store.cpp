#include "broker/actors/sqlite_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "broker/actors/checksum.hpp"
#include "broker/actors/store_columns.hpp"
#include "broker/actors/store_schedules.hpp"
#include "broker/actors/store_schema.hpp"
#include "runtime/log.hpp"
#include "wire/words.hpp"

namespace quern::broker {
namespace {

// Maximum number of rows that one commit deletes; the other rows of a dropped job are deleted in
// slices between commits, so that no commit stalls.
constexpr std::uint64_t kSliceRows = 64;

constexpr const char* kAddJob =
    "INSERT INTO jobs(number, uuid, name, function, input, range_begin, range_end, principal, "
    "priority, weight, attempts, backoff_ms, "
    "timeout_ms, detach, unique_key, reduce_asked, cost, created_at) VALUES "
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kProgress =
    "UPDATE jobs SET state=?, reason=?, failure=?, paused=?, detach=?, open=?, encoding=?, "
    "accepted=?, "
    "accepted_bytes=?, input_digest=?, total=?, frontier=?, ended=?, "
    "failed=?, done=?, cancelled=?, retried=?, failures=?, crashes=?, takes=?, result_encoding=?, "
    "divisible=?, finish=?, reduce=?, "
    "decision=?, results_begin=?, results_end=?, waited_us=?, ran_us=?, changed_at=?, value=? "
    "WHERE number=?";

/// Columns count, sizes, bytes, checksum.
wire::Batch batch_in(Statement& s, JobNumber job) {
  const std::uint64_t count = s.number();
  const std::string_view column = s.blob(), bytes = s.blob();
  const bool as_written = s.is_null() || s.integer() == checksum_of({column, bytes});
  auto sizes = wire::Sizes::from_column(count, wire::Buffer::copy(column));
  wire::Batch batch{sizes.value_or(wire::Sizes{}), wire::Buffer::copy(bytes)};
  if (!as_written || !sizes || batch.sizes.total() != batch.bytes.size()) {
    s.reset();
    throw StoreError(
        StoreError::Kind::corrupt,
        "a row of job " + std::to_string(value(job)) +
            (as_written
                 ? " is inconsistent"
                 : " differs from what was written: the disk or another program changed it"));
  }
  return batch;
}

/// An existing folder keeps its mode, because it may be shared.
void make_folder(const std::string& folder) {
  std::error_code error;
  if (const auto parent = std::filesystem::path(folder).parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    error = {errno, std::generic_category()};
  struct stat about {};
  if (::stat(folder.c_str(), &about) != 0 || !S_ISDIR(about.st_mode))
    throw StoreError(StoreError::Kind::unusable,
                     "cannot create the store's folder " + folder +
                         (error ? ": " + error.message() : "") +
                         " (choose another with --store, or --no-store to keep jobs in memory)");
  if ((about.st_mode & S_IWOTH) != 0)
    throw StoreError(
        StoreError::Kind::unusable,
        "everyone may write to " + folder +
            ", and could replace the store: name a new folder inside it, such as --store " +
            folder + "/quern");
}

/// Created before SQLite would create it readable for everyone. SQLite gives its log and index the
/// same mode.
void make_file(const std::string& path) {
  if (const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); fd >= 0) ::close(fd);
}

FileMark mark_of(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return {};
  return {about.st_dev, about.st_ino};
}

}  // namespace

/// An flock on a file of the folder: the system releases it however the broker ends.
class SqliteStore::Lock {
 public:
  explicit Lock(const std::string& folder) {
    const std::string path = folder + "/lock";
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0)
      throw StoreError(StoreError::Kind::unusable,
                       "cannot write to the store's folder " + folder + ": " +
                           std::strerror(errno) +
                           " (choose another with --store, or --no-store to keep jobs in memory)");
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
    ::close(fd_);
    throw StoreError(
        StoreError::Kind::unusable,
        "the store " + folder +
            " is in use by another broker: stop that broker, or choose another store with --store");
  }
  ~Lock() { ::close(fd_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int fd_;
};

struct SqliteStore::Statements {
  explicit Statements(Database& d)
      : add_job(d, kAddJob),
        add_need(d, "INSERT INTO needs(job, kind, name, value) VALUES (?,?,?,?)"),
        add_common(d, "INSERT INTO commons(job, bytes, checksum) VALUES (?,?,?)"),
        add_links(d, "INSERT INTO links(job, bytes, checksum) VALUES (?,?,?)"),
        add_parent(d,
                   "INSERT INTO parents(job, parent, task, incarnation, lease, depth) VALUES "
                   "(?,?,?,?,?,?)"),
        progress(d, kProgress),
        add_input(d,
                  "INSERT INTO inputs(job, first, count, weight, sizes, bytes, costs, checksum) "
                  "VALUES (?,?,?,?,?,?,?,?)"),
        drop_input(d, "DELETE FROM inputs WHERE job=? AND first>=? AND first<? AND first+count<=?"),
        load_input(d,
                   "SELECT count, sizes, bytes, checksum FROM inputs WHERE job=? AND first>=? AND "
                   "first<? ORDER BY first"),
        put_result(d,
                   "INSERT OR REPLACE INTO results(job, seq, tasks, errors, count, sizes, bytes, "
                   "checksum) VALUES (?,?,?,?,?,?,?,?)"),
        put_errors(d, "UPDATE results SET errors=? WHERE job=? AND seq=?"),
        load_result(d, "SELECT count, sizes, bytes, checksum FROM results WHERE job=? AND seq=?"),
        drop_results(d, "DELETE FROM results WHERE job=? AND seq<?"),
        clear_partials(d, "DELETE FROM partials WHERE job=? AND first>=? AND first<?"),
        put_partial(d, "INSERT INTO partials(job, first, end, value, checksum) VALUES (?,?,?,?,?)"),
        drop_job(d, "DELETE FROM jobs WHERE number=?"),
        note_dropped(d, "INSERT OR REPLACE INTO dropped(job, what) VALUES (?,?)"),
        set_meta(d, "UPDATE meta SET value=? WHERE key=?"),
        number_commit(
            d,
            "INSERT OR REPLACE INTO meta(key, value) VALUES ('commit', ?), ('committed_at', ?)") {}

  Statement add_job, add_need, add_common, add_links, add_parent, progress, add_input, drop_input,
      load_input, put_result, put_errors, load_result, drop_results, clear_partials, put_partial,
      drop_job, note_dropped, set_meta, number_commit;
};

SqliteStore::SqliteStore(const std::string& folder) {
  make_folder(folder);
  lock_ = std::make_unique<Lock>(folder);
  const CommitFile::Found found = CommitFile::read(folder);
  if (!found.trouble.empty()) runtime::log_warning(found.trouble);
  make_file(file_in(folder));
  database_ = Database(file_in(folder), Database::Mode::write);
  // Must precede the first table. Large pages, so that a row of 64 KiB has few of them.
  database_.run("PRAGMA page_size = 16384");
  try {
    database_.run("PRAGMA journal_mode = WAL");
  } catch (const StoreError& error) {
    if (error.kind() == StoreError::Kind::corrupt) throw;
    throw StoreError(StoreError::Kind::unusable, error.what());
  }
  database_.run("PRAGMA synchronous = FULL");
  // Fewer, larger checkpoints than by default (4 MiB): rows are large here. The log is truncated
  // afterwards.
  database_.run("PRAGMA wal_autocheckpoint = 2048");
  database_.run("PRAGMA journal_size_limit = 67108864");
  database_.run("PRAGMA cache_size = -16384");
  prepare_schema(database_);
  find_loss(found);
  commit_file_ = std::make_unique<CommitFile>(folder);
  statements_ = std::make_unique<Statements>(database_);
  // SQLite would continue writing to the deleted files.
  for (const std::string& path : {file_in(folder), file_in(folder) + "-wal"})
    if (const FileMark mark = mark_of(path); mark != FileMark{}) files_.emplace_back(path, mark);
}

void SqliteStore::find_loss(const CommitFile::Found& found) {
  last_ = last_commit(database_);
  loss_ = loss_of(database_, found);
  if (!loss_) return;
  // Part of the log may have been copied into the store already: then pages from before and after
  // the truncation are inconsistent.
  if (const std::string said = database_.text("PRAGMA quick_check(1)"); said != "ok")
    throw StoreError(StoreError::Kind::corrupt,
                     loss_->text() + ". The rest is damaged (" + said + "): restore a backup");
  // Workers and clients may still use the lost job numbers, so they are not reused.
  last_.commit = loss_->known.commit;
  last_.incarnation = std::max(last_.incarnation, loss_->known.incarnation);
  last_.numbers_below = std::max(last_.numbers_below, loss_->known.numbers_below);
}

void SqliteStore::look() {
  require_files();
  commit_file_->sync_old();
}

void SqliteStore::require_files() const {
  for (const auto& [path, mark] : files_)
    if (mark_of(path) != mark)
      throw StoreError(StoreError::Kind::trouble,
                       path +
                           " was removed or replaced while this broker was using it; durable jobs "
                           "are refused until the broker is restarted");
}

SqliteStore::~SqliteStore() = default;

Recovered SqliteStore::recover() {
  Recovered out;
  Transaction transaction(database_);
  ++last_.incarnation;
  statements_->set_meta.bind(last_.incarnation).bind("incarnation").run();
  statements_->set_meta.bind(last_.numbers_below).bind("numbers_below").run();
  if (loss_) {
    const std::uint64_t lost =
        static_cast<std::uint64_t>(database_.number("SELECT value FROM meta WHERE key = 'lost'")) +
        loss_->commits();
    Statement(database_,
              "INSERT OR REPLACE INTO meta(key, value) VALUES ('lost', ?), ('lost_at', ?)")
        .bind(lost)
        .bind(std::int64_t{std::time(nullptr)})
        .run();
  }
  commit(transaction);
  loss_.reset();
  out.incarnation = last_.incarnation;
  out.numbers_below = last_.numbers_below;
  out.jobs = read_jobs(database_);
  out.schedules = read_schedules(database_);
  for (const RecoveredJob& job : out.jobs)
    out.numbers_below = std::max(out.numbers_below, value(job.birth.number) + 1);
  return out;
}

void SqliteStore::apply(const StoreOps& ops) {
  require_files();
  Transaction transaction(database_);
  for (const auto& op : ops) std::visit([this](const auto& each) { write(each); }, op);
  commit(transaction);
}

void SqliteStore::commit(Transaction& transaction) {
  CommitMark next = last_;
  ++next.commit;
  next.time = std::time(nullptr);
  statements_->number_commit.bind(next.commit).bind(next.time).run();
  transaction.commit();
  last_ = next;
  commit_file_->write(last_);
}

namespace {

/// Rarely used options: only values other than the default have a row.
std::vector<std::pair<std::string_view, std::int64_t>> options_kept(const JobBirth& birth) {
  std::vector<std::pair<std::string_view, std::int64_t>> out;
  const auto keep = [&](std::string_view name, std::uint64_t number) {
    if (number != 0) out.emplace_back(name, static_cast<std::int64_t>(number));
  };
  keep("idempotent", birth.options.idempotent ? 1 : 0);
  keep("at_most_once", birth.options.at_most_once ? 1 : 0);
  keep("unique_any", birth.options.unique_any ? 1 : 0);
  keep("ttl_s", birth.options.ttl_s);
  keep("deadline_ms", birth.options.deadline_ms);
  keep("start_at_ms", birth.options.start_at_ms);
  keep("shape", birth.input_shape);
  keep("intermediate", birth.options.intermediate ? 1 : 0);
  keep("nested", birth.options.nested ? 1 : 0);
  keep("join", static_cast<std::uint64_t>(birth.join));
  keep("values", static_cast<std::uint64_t>(birth.values));
  return out;
}

}  // namespace

void SqliteStore::write(const AddJob& add) {
  const JobBirth& b = add.birth;
  const wire::JobOptions& o = b.options;
  const std::string uuid = b.uuid.text();
  statements_->add_job.bind(value(b.number))
      .bind(uuid)
      .bind(o.name)
      .bind(b.function)
      .bind(wire::word(b.input))
      .bind(b.range_begin)
      .bind(b.range_end)
      .bind(b.principal)
      .bind(std::int64_t{o.priority})
      .bind(o.weight)
      .bind(std::uint64_t{o.attempts})
      .bind(std::uint64_t{o.backoff_ms})
      .bind(o.timeout_ms)
      .bind(std::uint64_t{o.detach})
      .bind(o.unique)
      .bind(o.reduce)
      .bind(o.cost)
      .bind(std::int64_t{std::time(nullptr)})
      .run();
  for (const auto& [name, wanted] : o.require)
    statements_->add_need.bind(value(b.number)).bind("label").bind(name).bind(wanted).run();
  for (const auto& [name, amount] : o.resources)
    statements_->add_need.bind(value(b.number)).bind("resource").bind(name).bind(amount).run();
  for (const auto& [name, text] : o.metadata)
    statements_->add_need.bind(value(b.number)).bind("metadata").bind(name).bind(text).run();
  for (const auto& [name, number] : options_kept(b))
    statements_->add_need.bind(value(b.number)).bind("option").bind(name).bind(number).run();
  for (const auto& blob : b.options.blobs)
    statements_->add_need.bind(value(b.number)).bind("blob").bind(blob).bind(std::int64_t{1}).run();
  for (std::size_t i = 0; i < b.edges.size(); ++i)
    statements_->add_need.bind(value(b.number))
        .bind("edge")
        .bind(std::to_string(i))
        .bind(column_of(b.edges[i]))
        .run();
  if (!b.links.empty())
    statements_->add_links.bind(value(b.number))
        .bind_blob(b.links.view())
        .bind(checksum_of({b.links.view()}))
        .run();
  if (b.parent)
    statements_->add_parent.bind(value(b.number))
        .bind(value(b.parent->job))
        .bind(b.parent->task)
        .bind(b.parent->lease.incarnation)
        .bind(b.parent->lease.counter)
        .bind(std::uint64_t{b.parent->depth})
        .run();
  if (b.common)
    statements_->add_common.bind(value(b.number))
        .bind_blob(b.common->view())
        .bind(checksum_of({b.common->view()}))
        .run();
}

void SqliteStore::write(const JobProgress& p) {
  const std::string ended = column_of(p.ended), failed = column_of(p.failed);
  const std::string failures = column_of(p.attempts), crashes = column_of(p.crashes);
  Statement& s = statements_->progress;
  s.bind(wire::word(p.state))
      .bind(p.reason)
      .bind(wire::word(p.failure))
      .bind(std::uint64_t{p.paused})
      .bind(std::uint64_t{p.detach})
      .bind(std::uint64_t{p.open})
      .bind(wire::word(p.encoding))
      .bind(p.accepted)
      .bind(p.accepted_bytes)
      .bind(p.input_digest)
      .bind(p.total)
      .bind(p.frontier)
      .bind(ended)
      .bind(failed)
      .bind(p.done)
      .bind(p.cancelled)
      .bind(p.retried)
      .bind(failures)
      .bind(crashes);
  if (p.decision) {
    const Decision& d = *p.decision;
    s.bind(wire::word(d.takes))
        .bind(wire::word(d.encoding))
        .bind(std::uint64_t{d.divisible})
        .bind(std::uint64_t{d.finish})
        .bind(d.reduce)
        .bind(d.sentence);
  } else {
    for (int i = 0; i < 6; ++i) s.bind_null();
  }
  s.bind(p.results_begin)
      .bind(p.results_end)
      .bind(p.waited_us)
      .bind(p.ran_us)
      .bind(std::int64_t{std::time(nullptr)});
  if (p.value)
    s.bind_blob(p.value->view());
  else
    s.bind_null();
  s.bind(value(p.job)).run();
}

void SqliteStore::write(const AddInput& input) {
  const wire::Buffer sizes = input.batch.sizes.column();
  const std::string costs = column_of(input.costs);
  Statement& add = statements_->add_input.bind(value(input.job))
                       .bind(input.first)
                       .bind(input.batch.count())
                       .bind(input.batch.weight())
                       .bind_blob(sizes.view())
                       .bind_blob(input.batch.bytes.view());
  (costs.empty() ? add.bind_null() : add.bind_blob(costs))
      .bind(checksum_of({sizes.view(), input.batch.bytes.view()}))
      .run();
}

void SqliteStore::write(const DropInput& drop) {
  statements_->drop_input.bind(value(drop.job))
      .bind(drop.tasks.begin)
      .bind(drop.tasks.end)
      .bind(drop.tasks.end)
      .run();
}

void SqliteStore::write(const DropInputs& drop) {
  statements_->note_dropped.bind(value(drop.job)).bind("inputs").run();
}

void SqliteStore::write(const PutResult& result) {
  const std::string tasks = column_of_tasks(result.entry), errors = column_of(result.entry.errors);
  const wire::Buffer sizes = result.entry.batch.sizes.column();
  statements_->put_result.bind(value(result.job))
      .bind(result.seq)
      .bind(tasks)
      .bind_blob(errors)
      .bind(result.entry.batch.count())
      .bind_blob(sizes.view())
      .bind_blob(result.entry.batch.bytes.view())
      .bind(checksum_of({sizes.view(), result.entry.batch.bytes.view()}))
      .run();
}

void SqliteStore::write(const PutErrors& put) {
  const std::string errors = column_of(put.errors);
  statements_->put_errors.bind_blob(errors).bind(value(put.job)).bind(put.seq).run();
}

void SqliteStore::write(const DropResults& drop) {
  statements_->drop_results.bind(value(drop.job)).bind(drop.to).run();
}

void SqliteStore::write(const PutPartial& partial) {
  statements_->clear_partials.bind(value(partial.job))
      .bind(partial.tasks.begin)
      .bind(partial.tasks.end)
      .run();
  statements_->put_partial.bind(value(partial.job))
      .bind(partial.tasks.begin)
      .bind(partial.tasks.end)
      .bind_blob(partial.value)
      .bind(checksum_of({partial.value}))
      .run();
}

void SqliteStore::write(const DropPartials& drop) {
  statements_->clear_partials.bind(value(drop.job))
      .bind(std::int64_t{0})
      .bind(std::int64_t{INT64_MAX})
      .run();
}

void SqliteStore::write(const DropJob& drop) {
  statements_->drop_job.bind(value(drop.job)).run();
  statements_->note_dropped.bind(value(drop.job))
      .bind("job")
      .run();  // its rows are deleted in slices: sweep()
}

void SqliteStore::write(const ReserveNumbers& reserve) {
  statements_->set_meta.bind(reserve.below).bind("numbers_below").run();
  last_.numbers_below = reserve.below;  // harmless if the transaction fails
}

void SqliteStore::write(const PutSchedule& put) { put_schedule(database_, put.record); }
void SqliteStore::write(const SaveSchedule& save) { save_schedule(database_, save); }
void SqliteStore::write(const DropSchedule& drop) { drop_schedule(database_, drop); }

wire::Batch SqliteStore::load(JobNumber job, wire::Interval tasks) {
  Statement& s = statements_->load_input;
  s.bind(value(job)).bind(tasks.begin).bind(tasks.end);
  std::vector<wire::Batch> rows;
  std::uint64_t count = 0;
  while (s.step()) {
    rows.push_back(batch_in(s, job));
    count += rows.back().count();
  }
  s.reset();
  if (count != tasks.size())
    throw StoreError(StoreError::Kind::corrupt,
                     "rows of input of job " + std::to_string(value(job)) + " are missing");
  if (rows.size() == 1) return std::move(rows.front());
  wire::BatchBuilder builder;
  for (const wire::Batch& row : rows)
    for (wire::BatchReader reader(row); !reader.at_end();) builder.add(reader.next());
  return builder.take();
}

wire::Batch SqliteStore::load_result(JobNumber job, std::uint64_t seq) {
  Statement& s = statements_->load_result;
  s.bind(value(job)).bind(seq);
  if (!s.step()) {
    s.reset();
    throw StoreError(StoreError::Kind::corrupt,
                     "a row of results of job " + std::to_string(value(job)) + " is missing");
  }
  wire::Batch batch = batch_in(s, job);
  s.reset();
  return batch;
}

bool SqliteStore::sweep() {
  const std::int64_t job = database_.number("SELECT job FROM dropped LIMIT 1");
  if (job == 0) return false;
  const std::string number = std::to_string(job);
  const bool only_inputs =
      database_.text(("SELECT what FROM dropped WHERE job = " + number).c_str()) == "inputs";
  Transaction transaction(database_);
  std::uint64_t room = kSliceRows;
  for (const char* table :
       {"inputs", "results", "partials", "commons", "links", "parents", "needs"}) {
    const bool keyed = std::strcmp(table, "needs") == 0;
    const std::string rows = keyed ? "job = " + number
                                   : std::string("rowid IN (SELECT rowid FROM ") + table +
                                         " WHERE job = " + number + " LIMIT " +
                                         std::to_string(room) + ")";
    database_.run((std::string("DELETE FROM ") + table + " WHERE " + rows).c_str());
    room -= std::min(room, database_.changes());
    if (room == 0 || only_inputs) break;
  }
  if (room > 0) database_.run(("DELETE FROM dropped WHERE job = " + number).c_str());
  transaction.commit();
  return true;
}

}  // namespace quern::broker
