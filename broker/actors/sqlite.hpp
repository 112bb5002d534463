// A small wrapper of SQLite: a connection and prepared statements that clean up after themselves
// and throw StoreError. One thread.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/durability/store.hpp"
#include "wire/buffer.hpp"

namespace quern::broker {

class Database {
 public:
  enum class Mode { write, read };

  Database() = default;
  /// Opens (write: creates) the file. Throws StoreError.
  Database(const std::string& path, Mode mode);
  ~Database();
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;

  /// Runs statements that return no rows.
  void run(const char* sql);
  std::int64_t number(const char* sql);  ///< the single number that a query returns
  std::string text(const char* sql);
  std::uint64_t changes() const { return static_cast<std::uint64_t>(sqlite3_changes64(db_)); }
  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

  [[noreturn]] void fail(int code) const;
  sqlite3* raw() const { return db_; }
  const std::string& path() const { return path_; }

 private:
  sqlite3* db_ = nullptr;
  std::string path_;
};

/// A prepared statement. bind() in the order of its parameters, then step(); reset() makes it ready
/// again. Bound data must live until then: nothing is copied.
class Statement {
 public:
  Statement(Database& database, const char* sql);
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::uint64_t n);
  Statement& bind(std::int64_t n);
  Statement& bind(double n);
  Statement& bind(std::string_view text);
  Statement& bind_blob(std::string_view bytes);
  Statement& bind_null();

  bool step();  ///< true: there is a row
  void run() {  ///< runs to its end, and resets
    while (step()) {
    }
    reset();
  }
  void reset();

  // Columns of the row, from left to right.
  std::uint64_t number() {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column_++));
  }
  std::int64_t integer() { return sqlite3_column_int64(statement_, column_++); }
  double real() { return sqlite3_column_double(statement_, column_++); }
  std::string_view text();
  std::string_view blob();
  bool is_null() const { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }
  void skip() { ++column_; }

 private:
  void check(int code);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int parameter_ = 0;
  int column_ = 0;
};

/// Rolls back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {
    database_.run("BEGIN IMMEDIATE");
  }
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool done_ = false;
};

}  // namespace quern::broker
