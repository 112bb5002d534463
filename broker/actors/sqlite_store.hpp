// A store in one SQLite file (STORE.md): write-ahead log, synced at every commit. A whole batch is one row. The folder is locked, so
// that two brokers never share one.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/actors/sqlite.hpp"

namespace quern::broker {

/// Which file a path means.
struct FileMark {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileMark&) const = default;
};

class SqliteStore : public Store {
 public:
  /// Makes the folder (0700) and the file (0600) when they are not there. Throws StoreError, also for a folder that everybody may write in.
  explicit SqliteStore(const std::string& folder);
  ~SqliteStore() override;

  Recovered recover() override;
  void apply(const StoreOps& ops) override;
  wire::Batch load(JobNumber job, wire::Interval tasks) override;
  wire::Batch load_result(JobNumber job, std::uint64_t seq) override;
  bool sweep() override;
  void look() override;

  /// The file in a folder.
  static std::string file_in(const std::string& folder) { return folder + "/quern.db"; }

 private:
  class Lock;
  struct Statements;

  void apply_one(const StoreOp& op);
  void write(const AddJob& add);
  void write(const JobProgress& progress);
  void write(const AddInput& input);
  void write(const DropInput& drop);
  void write(const DropInputs& drop);
  void write(const PutResult& result);
  void write(const PutErrors& errors);
  void write(const DropResults& drop);
  void write(const PutPartial& partial);
  void write(const DropPartials& drop);
  void write(const DropJob& drop);
  void write(const ReserveNumbers& reserve);

  std::unique_ptr<Lock> lock_;
  Database database_;
  std::vector<std::pair<std::string, FileMark>> files_;  ///< as they were opened
  std::unique_ptr<Statements> statements_;
};

/// Reads every job of a store. Also for a check of one that nobody writes. Throws StoreError::corrupt on what makes no sense.
std::vector<RecoveredJob> read_jobs(Database& database);

}  // namespace quern::broker
