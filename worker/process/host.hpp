// What all programs of one worker have in common: the mark they carry, the reaper that outlives the
// worker, the folder for temporary folders, the environment they get, the memory they may have.
// Made in main's thread before any other thread; read by all afterwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "worker/process/blob_folder.hpp"
#include "worker/process/mark.hpp"
#include "worker/process/reaper.hpp"

namespace quern::worker {

class Host {
 public:
  /// `memory_bytes`: most that a program may have; 0: no limit. Makes this process the one that
  /// orphans of its programs come to, and forbids programs to gain privileges. Throws
  /// std::system_error.
  explicit Host(std::uint64_t memory_bytes);
  ~Host();

  /// NAME=VALUE: the few variables every program gets, without the mark.
  const std::vector<std::string>& environment() const { return environment_; }
  /// Where temporary folders are made; gone with the worker.
  const std::string& folder() const { return folder_; }
  const std::string& name() const { return name_; }
  /// The files of jobs that came by their hash.
  BlobFolder& blobs() { return blobs_; }
  /// The smaller of the worker's limit and what is asked for; 0: none.
  std::uint64_t memory_for(std::uint64_t asked) const;

 private:
  friend class ProgramMark;
  Mark mark_;
  std::string folder_;
  BlobFolder blobs_;
  Reaper reaper_;
  std::vector<std::string> environment_;
  std::string name_;
  std::uint64_t memory_bytes_;
  std::atomic<std::uint64_t> children_{0};
  std::atomic<std::uint64_t> running_{0};
};

/// The mark of one program, for as long as it runs. When it goes, what the program left behind is
/// ended: what carries the mark, and, when no other program runs, what has lost its mark too.
class ProgramMark {
 public:
  explicit ProgramMark(Host& host);
  ~ProgramMark();
  ProgramMark(const ProgramMark&) = delete;
  ProgramMark& operator=(const ProgramMark&) = delete;
  const std::string& variable() const { return variable_; }

 private:
  Host& host_;
  std::string variable_;
};

/// With all that is in it, also where programs took the permission away. What cannot be removed
/// stays.
void remove_folder(const std::string& path);

/// A folder that lives as long as this.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& within);  ///< throws std::system_error
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace quern::worker
