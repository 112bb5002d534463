// A store in one SQLite file (STORE.md): write-ahead log, synced at every commit. A whole batch is
// one row. The folder is locked, so that two brokers never share one.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/actors/commit_file.hpp"
#include "broker/actors/sqlite.hpp"
#include "broker/actors/store_loss.hpp"

namespace quern::broker {

/// The identity of the file at a path.
struct FileMark {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileMark&) const = default;
};

class SqliteStore : public Store {
 public:
  /// Creates the folder (0700) and the file (0600) if they do not exist. Throws StoreError, also
  /// for a folder that everyone can write to, and for a file that lost commits and is damaged as
  /// well.
  explicit SqliteStore(const std::string& folder);
  ~SqliteStore() override;

  Recovered recover() override;
  void apply(const StoreOps& ops) override;
  wire::Batch load(JobNumber job, wire::Interval tasks) override;
  wire::Batch load_result(JobNumber job, std::uint64_t seq) override;
  bool sweep() override;
  void look() override;

  /// What was lost before this start; nothing after recover(), which records it.
  const std::optional<StoreLoss>& loss() const { return loss_; }

  /// The file in a folder.
  static std::string file_in(const std::string& folder) { return folder + "/quern.db"; }

 private:
  class Lock;
  struct Statements;

  void require_files() const;
  /// Ends a transaction: writes its number to the store and then to the file.
  void commit(Transaction& transaction);
  void find_loss(const CommitFile::Found& found);
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
  void write(const PutSchedule&);
  void write(const SaveSchedule&);
  void write(const DropSchedule&);
  void write(const ReserveNumbers& reserve);

  std::unique_ptr<Lock> lock_;
  std::unique_ptr<CommitFile> commit_file_;
  CommitMark last_;  ///< commit that was made; after a loss, of those that were ever made
  std::optional<StoreLoss> loss_;
  Database database_;
  std::vector<std::pair<std::string, FileMark>> files_;  ///< as they were opened
  std::unique_ptr<Statements> statements_;
};

/// Reads every job of a store. Also used to check a store that is not in use. Throws
/// StoreError::corrupt for invalid rows.
std::vector<RecoveredJob> read_jobs(Database& database);

}  // namespace quern::broker
