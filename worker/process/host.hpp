// What all programs of one worker share: their mark, the reaper, the parent of temporary folders,
// the environment, the memory limit. Construct in main's thread before any other thread; afterwards
// all threads only read it.
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
  /// `memory_bytes`: limit of a program; 0: none. Makes this process the subreaper of its programs,
  /// and prevents programs from gaining privileges. Throws std::system_error.
  explicit Host(std::uint64_t memory_bytes);
  ~Host();

  /// NAME=VALUE: the few variables every program gets, without the mark.
  const std::vector<std::string>& environment() const { return environment_; }
  /// The parent of temporary folders; removed when the worker ends.
  const std::string& folder() const { return folder_; }
  const std::string& name() const { return name_; }
  /// The files of jobs that were received by their hash.
  BlobFolder& blobs() { return blobs_; }
  /// The smaller of the worker's limit and the requested one; 0: none.
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

/// The mark of one program while it runs. The destructor kills what the program left behind:
/// processes with the mark, and, if no other program runs, also orphans without it.
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

/// Removes a folder and its contents, also where programs removed permissions. Ignores what cannot
/// be removed.
void remove_folder(const std::string& path);

/// A folder that exists as long as this object.
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
