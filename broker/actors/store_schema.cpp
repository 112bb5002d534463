#include "broker/actors/store_schema.hpp"

namespace quern::broker {
namespace {

// Large columns come last, so that reading the others needs no overflow pages.
constexpr const char* kTables = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('incarnation', 0), ('numbers_below', 1);

CREATE TABLE jobs(
  number INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, name TEXT, function TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting', reason TEXT DEFAULT '', failure TEXT DEFAULT 'none',
  input TEXT NOT NULL, range_begin INTEGER, range_end INTEGER, open INTEGER DEFAULT 0,
  total INTEGER DEFAULT 0, done INTEGER DEFAULT 0, cancelled INTEGER DEFAULT 0, retried INTEGER DEFAULT 0,
  accepted INTEGER DEFAULT 0, accepted_bytes INTEGER DEFAULT 0, input_digest INTEGER DEFAULT 0,
  frontier INTEGER DEFAULT 0, encoding TEXT DEFAULT 'raw',
  principal TEXT, priority INTEGER, weight REAL, attempts INTEGER, backoff_ms INTEGER, timeout_ms INTEGER, detach INTEGER,
  unique_key TEXT, reduce_asked TEXT, cost REAL,
  takes TEXT, result_encoding TEXT, divisible INTEGER, finish INTEGER, reduce TEXT, decision TEXT,
  results_begin INTEGER DEFAULT 0, results_end INTEGER DEFAULT 0, waited_us INTEGER DEFAULT 0, ran_us INTEGER DEFAULT 0,
  ended TEXT DEFAULT '', failed TEXT DEFAULT '', failures TEXT DEFAULT '', crashes TEXT DEFAULT '',
  created_at INTEGER, changed_at INTEGER, paused INTEGER DEFAULT 0, value BLOB);

CREATE TABLE needs(job INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value, PRIMARY KEY(job, kind, name)) WITHOUT ROWID;
CREATE TABLE commons(job INTEGER PRIMARY KEY, bytes BLOB NOT NULL, checksum INTEGER);

CREATE TABLE inputs(job INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, weight INTEGER NOT NULL,
  sizes BLOB NOT NULL, bytes BLOB NOT NULL, costs BLOB, checksum INTEGER);
CREATE UNIQUE INDEX inputs_of_job ON inputs(job, first);

CREATE TABLE results(job INTEGER NOT NULL, seq INTEGER NOT NULL, tasks TEXT NOT NULL, errors BLOB NOT NULL,
  count INTEGER NOT NULL, sizes BLOB NOT NULL, bytes BLOB NOT NULL, checksum INTEGER);
CREATE UNIQUE INDEX results_of_job ON results(job, seq);

CREATE TABLE partials(job INTEGER NOT NULL, first INTEGER NOT NULL, end INTEGER NOT NULL, value BLOB NOT NULL, checksum INTEGER);
CREATE UNIQUE INDEX partials_of_job ON partials(job, first);

CREATE TABLE links(job INTEGER PRIMARY KEY, bytes BLOB NOT NULL, checksum INTEGER);

CREATE TABLE schedules(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL,
  paused INTEGER NOT NULL, passed_ms INTEGER NOT NULL, runs TEXT NOT NULL, definition BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE parents(job INTEGER PRIMARY KEY, parent INTEGER NOT NULL, task INTEGER NOT NULL,
  incarnation INTEGER NOT NULL, lease INTEGER NOT NULL, depth INTEGER NOT NULL);

CREATE TABLE dropped(job INTEGER PRIMARY KEY, what TEXT NOT NULL);
)sql";

// Version 2: cost hints of tasks.
constexpr const char* kFrom1To2 = "ALTER TABLE inputs ADD COLUMN costs BLOB";
// Version 3: checksums of rows (older rows have none), and how long a job waited and ran.
constexpr const char* kFrom2To3 =
    "ALTER TABLE inputs ADD COLUMN checksum INTEGER; ALTER TABLE results ADD COLUMN checksum "
    "INTEGER;"
    "ALTER TABLE commons ADD COLUMN checksum INTEGER; ALTER TABLE partials ADD COLUMN checksum "
    "INTEGER;"
    "ALTER TABLE jobs ADD COLUMN waited_us INTEGER DEFAULT 0; ALTER TABLE jobs ADD COLUMN ran_us "
    "INTEGER DEFAULT 0";

// Version 4: the digest of a job's payloads is updated while they arrive. Before, it was an option
// of jobs whose payloads all arrived at once.
constexpr const char* kFrom3To4 =
    "ALTER TABLE jobs ADD COLUMN input_digest INTEGER DEFAULT 0;"
    "UPDATE jobs SET input_digest = coalesce((SELECT value FROM needs WHERE job = number AND kind "
    "= 'option' AND name = 'whole'), 0);"
    "DELETE FROM needs WHERE kind = 'option' AND name = 'whole'";

// Version 5: jobs can be paused.
constexpr const char* kFrom4To5 = "ALTER TABLE jobs ADD COLUMN paused INTEGER DEFAULT 0";

// Version 6: jobs that take results of others.
constexpr const char* kFrom5To6 =
    "CREATE TABLE IF NOT EXISTS links(job INTEGER PRIMARY KEY, bytes BLOB NOT NULL, checksum "
    "INTEGER)";

// Version 7: schedules.
constexpr const char* kFrom6To7 =
    "CREATE TABLE IF NOT EXISTS schedules(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT "
    "NOT NULL, "
    "paused INTEGER NOT NULL, passed_ms INTEGER NOT NULL, runs TEXT NOT NULL, definition BLOB NOT "
    "NULL, checksum INTEGER NOT NULL)";
// Version 8: jobs that tasks of other jobs have submitted.
constexpr const char* kFrom7To8 =
    "CREATE TABLE IF NOT EXISTS parents(job INTEGER PRIMARY KEY, parent INTEGER NOT NULL, task "
    "INTEGER NOT NULL, incarnation INTEGER NOT NULL, lease INTEGER NOT NULL, depth INTEGER NOT "
    "NULL)";

std::int64_t version_of(Database& database) {
  const std::int64_t application = database.number("PRAGMA application_id");
  const std::int64_t version = database.number("PRAGMA user_version");
  if (application == 0 && version == 0 &&
      database.number("SELECT count(*) FROM sqlite_schema") == 0)
    return 0;
  if (application != kApplicationId)
    throw StoreError(StoreError::Kind::unusable,
                     database.path() + " is a database of another program; choose another --store");
  if (version > kSchemaVersion)
    throw StoreError(StoreError::Kind::unusable,
                     database.path() + " was written by a newer version of Quern (its schema is " +
                         std::to_string(version) + ", this version supports up to " +
                         std::to_string(kSchemaVersion) +
                         "); start that version, or choose another --store");
  return version;
}

}  // namespace

void prepare_schema(Database& database) {
  const std::int64_t version = version_of(database);
  if (version == kSchemaVersion) return;
  Transaction transaction(database);
  if (version == 0) database.run(kTables);
  if (version == 1) database.run(kFrom1To2);
  if (version == 1 || version == 2) database.run(kFrom2To3);
  if (version >= 1 && version <= 3) database.run(kFrom3To4);
  if (version >= 1 && version <= 4) database.run(kFrom4To5);
  if (version >= 1 && version <= 5) database.run(kFrom5To6);
  if (version >= 1 && version <= 6) database.run(kFrom6To7);
  if (version >= 1 && version <= 7) database.run(kFrom7To8);
  database.run(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  database.run(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
  transaction.commit();
}

void require_schema(Database& database) {
  const std::int64_t version = version_of(database);
  if (version == 0)
    throw StoreError(StoreError::Kind::unusable,
                     database.path() + " is empty; no broker has used it yet");
  if (version != kSchemaVersion)
    throw StoreError(
        StoreError::Kind::unusable,
        database.path() +
            " was written by an older version of Quern; start a broker of this version on it once");
}

}  // namespace quern::broker
