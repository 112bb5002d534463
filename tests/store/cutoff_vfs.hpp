// A file system for SQLite that can be cut off: it passes everything on to the real one, and
// remembers of each file what a sync had made safe. observe() is called around every sync, the
// moments at which what a power failure would leave changes.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <map>
#include <string>

namespace quern::broker {

class CutoffVfs {
 public:
  /// Becomes SQLite's default until it is destroyed. One at a time.
  CutoffVfs();
  ~CutoffVfs();

  /// Called before and after every sync.
  std::function<void()> observe;
  /// By path: what the file held when it was last synced.
  const std::map<std::string, std::string>& synced() const { return synced_; }

 private:
  struct File {
    sqlite3_file base;
    CutoffVfs* owner;
    std::string* path;
    sqlite3_file* real;  // behind this struct
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

/// The content of a file; empty when it is not there.
std::string content_of(const std::string& path);

}  // namespace quern::broker
