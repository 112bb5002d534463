// The files of a job's command (Command::files) on this machine: written once per job, and linked
// into the folder of each program. Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "quern/command.hpp"
#include "quern/worker.hpp"
#include "worker/process/host.hpp"

namespace quern::worker {

class PutFiles {
 public:
  explicit PutFiles(Host& host) : host_(host) {}

  /// Links the files of the task's job into `folder`, and writes those of its item there. Throws
  /// std::system_error.
  void place(const Task& task, const Command& command, const std::vector<CommandFile>& own,
             const std::string& folder);

 private:
  struct OfJob {
    std::weak_ptr<const void> owner;
    std::mutex mutex;  ///< held while the files are written, so that other jobs do not wait
    std::unique_ptr<TemporaryFolder> folder;  ///< null until it contains all files
  };
  std::shared_ptr<OfJob> of_job(const Task& task, const Command& command);
  void write_file(const std::filesystem::path& path, const CommandFile& file,
                  std::uint32_t mode) const;

  Host& host_;
  std::mutex mutex_;
  std::map<const void*, std::shared_ptr<OfJob>> jobs_;  // by the job's common input
};

/// Files in `folder` that match a pattern, those in folders below only where the pattern names the
/// folder. Throws std::runtime_error if they are too large for one result together with `taken`.
std::vector<CommandFile> files_matching(const std::string& folder,
                                        const std::vector<std::string>& patterns,
                                        std::size_t taken);

}  // namespace quern::worker
