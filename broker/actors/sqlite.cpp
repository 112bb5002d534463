#include "broker/actors/sqlite.hpp"

#include <utility>

namespace quern::broker {

Database::Database(const std::string& path, Mode mode) : path_(path) {
  const int flags =
      mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &db_,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(db_, 2000);  // for concurrent access by the sqlite3 shell
    return;
  }
  const std::string why = db_ ? sqlite3_errmsg(db_) : "out of memory";
  sqlite3_close_v2(std::exchange(db_, nullptr));
  throw StoreError(StoreError::Kind::unusable, "cannot open " + path + ": " + why);
}

Database::~Database() { sqlite3_close_v2(db_); }

Database::Database(Database&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), path_(std::move(other.path_)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(db_, other.db_);
  std::swap(path_, other.path_);
  return *this;
}

void Database::fail(int code) const {
  const std::string said = sqlite3_errmsg(db_);
  using Kind = StoreError::Kind;
  switch (code & 0xff) {
    case SQLITE_FULL:
      throw StoreError(Kind::trouble, "the disk of " + path_ + " is full; free some space");
    case SQLITE_IOERR:
      throw StoreError(
          Kind::trouble,
          "the disk of " + path_ +
              " cannot be read or written (check that it is not full and still connected): " +
              said);
    case SQLITE_READONLY:
      throw StoreError(Kind::trouble,
                       path_ + " is read-only; make it writable for the broker's user");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw StoreError(Kind::trouble, "another program has locked " + path_ +
                                          "; wait until it has finished, or stop it");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw StoreError(Kind::corrupt,
                       path_ + " is damaged (" + said +
                           "); run `quern-broker --check-store`, and restore a backup");
    default:
      throw StoreError(Kind::trouble, path_ + ": " + said);
  }
}

void Database::run(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer() : 0;
}

std::string Database::text(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? std::string(statement.text()) : std::string();
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  check(
      sqlite3_prepare_v3(database.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
}

void Statement::check(int code) {
  if (code != SQLITE_OK) database_.fail(code);
}

Statement& Statement::bind(std::uint64_t n) { return bind(static_cast<std::int64_t>(n)); }
Statement& Statement::bind(std::int64_t n) {
  check(sqlite3_bind_int64(statement_, ++parameter_, n));
  return *this;
}
Statement& Statement::bind(double n) {
  check(sqlite3_bind_double(statement_, ++parameter_, n));
  return *this;
}
Statement& Statement::bind(std::string_view text) {
  check(sqlite3_bind_text64(statement_, ++parameter_, text.empty() ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}
Statement& Statement::bind_blob(std::string_view bytes) {
  check(sqlite3_bind_blob64(statement_, ++parameter_, bytes.empty() ? "" : bytes.data(),
                            bytes.size(), SQLITE_STATIC));
  return *this;
}
Statement& Statement::bind_null() {
  check(sqlite3_bind_null(statement_, ++parameter_));
  return *this;
}

bool Statement::step() {
  column_ = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  reset();  // first, because bound data may be destroyed when this throws
  database_.fail(code);
}

void Statement::reset() {
  sqlite3_reset(statement_);
  parameter_ = column_ = 0;
}

std::string_view Statement::text() {
  const int column = column_++;
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes ? std::string_view(
                     bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
               : std::string_view();
}

std::string_view Statement::blob() {
  const int column = column_++;
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes ? std::string_view(
                     bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
               : std::string_view();
}

void Transaction::commit() {
  database_.run("COMMIT");
  done_ = true;
}

Transaction::~Transaction() {
  // A failed COMMIT may have rolled back by itself.
  if (!done_ && database_.in_transaction())
    sqlite3_exec(database_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace quern::broker
