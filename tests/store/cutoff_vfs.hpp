// A file system for SQLite that simulates power failures: it forwards everything to the real one
// and remembers the synced content of each file. observe() is called before and after every sync,
// because only then the content that a power failure would leave changes.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <map>
#include <string>

namespace quern::broker {

class CutoffVfs {
 public:
  /// The default file system of SQLite while it exists. Only one may exist at a time.
  CutoffVfs();
  ~CutoffVfs();

  /// Called before and after every sync.
  std::function<void()> observe;
  /// By path: the content of the file at its last sync.
  const std::map<std::string, std::string>& synced() const { return synced_; }

 private:
  struct File {
    sqlite3_file base;
    CutoffVfs* owner;
    std::string* path;
    sqlite3_file* real;  // stored behind this struct
  };

  static int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags,
                  int* out_flags);
  static int remove(sqlite3_vfs* vfs, const char* name, int sync);
  static int close(sqlite3_file* file);
  static int sync(sqlite3_file* file, int flags);
  static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real; }

  sqlite3_vfs* real_vfs_;
  sqlite3_vfs vfs_;
  sqlite3_io_methods methods_;
  std::map<std::string, std::string> synced_;
};

/// The content of a file; empty if the file does not exist.
std::string content_of(const std::string& path);

}  // namespace quern::broker
