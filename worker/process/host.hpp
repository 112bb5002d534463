// What all programs of one worker have in common: the mark they carry, the reaper that outlives the worker, the folder for temporary
// folders, the environment they get, the memory they may have. Made in main's thread before any other thread; read by all afterwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "worker/process/mark.hpp"
#include "worker/process/reaper.hpp"

namespace quern::worker {

class Host {
 public:
  /// `memory_bytes`: most that a program may have; 0: no limit. Makes this process the one that orphans of its programs come to, and
  /// forbids programs to gain privileges. Throws std::system_error.
  explicit Host(std::uint64_t memory_bytes);
  ~Host();

  /// What tells the children of this worker apart.
  std::string next_mark() { return mark_.variable(children_.fetch_add(1, std::memory_order_relaxed)); }
  /// Ends what a child that has ended left behind.
  void clean_after(const std::string& mark) const { kill_orphans(mark, reaper_.pid()); }

  /// NAME=VALUE: the few variables every program gets, without the mark.
  const std::vector<std::string>& environment() const { return environment_; }
  /// Where temporary folders are made; gone with the worker.
  const std::string& folder() const { return folder_; }
  const std::string& name() const { return name_; }
  /// The smaller of the worker's limit and what is asked for; 0: none.
  std::uint64_t memory_for(std::uint64_t asked) const;

 private:
  Mark mark_;
  std::string folder_;
  Reaper reaper_;
  std::vector<std::string> environment_;
  std::string name_;
  std::uint64_t memory_bytes_;
  std::atomic<std::uint64_t> children_{0};
};

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
