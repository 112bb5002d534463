#include "worker/process/command_plan.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "process/end.hpp"
#include "process/spawn.hpp"

namespace quern::worker {
namespace {

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// Later ones replace earlier ones of the same name.
void set_variable(std::vector<std::string>& env, const std::string& variable) {
  const std::string name = variable.substr(0, variable.find('=') + 1);
  std::erase_if(env, [&](const std::string& other) { return other.starts_with(name); });
  env.push_back(variable);
}

std::string text_of_bytes(std::uint64_t bytes) {
  if (bytes % (1u << 30) == 0) return std::to_string(bytes >> 30) + " GiB";
  if (bytes % (1u << 20) == 0) return std::to_string(bytes >> 20) + " MiB";
  return std::to_string(bytes) + " bytes";
}

}  // namespace

Workplace workplace_of(const std::string& cwd, bool optional, const Host& host) {
  Workplace place;
  const bool temporary = cwd == "temp" || (!cwd.empty() && optional && !is_folder(cwd));
  if (temporary) place.temporary = std::make_unique<TemporaryFolder>(host.folder());
  place.folder = temporary ? place.temporary->path() : cwd;
  return place;
}

std::string folder_trouble(const std::string& folder, int error, const Host& host) {
  if (error != ENOENT && error != ENOTDIR)
    return "cannot run in the folder " + folder + " on " + host.name() + ": " +
           std::strerror(error);
  return "there is no folder " + folder + " on " + host.name() +
         "; use --cwd DIR with a folder that every worker has, or --cwd temp for a new empty "
         "folder";
}

process::SpawnPlan plan_of(const Command& command, const Host& host, const std::string& mark) {
  process::SpawnPlan plan;
  plan.env = host.environment();
  add_environment(plan, command.env);
  plan.env.push_back(mark + '1');
  plan.memory_bytes = host.memory_for(command.memory_bytes);
  plan.umask = command.umask;
  return plan;
}

void add_environment(process::SpawnPlan& plan, const std::vector<std::string>& variables) {
  for (const auto& variable : variables)
    if (variable.find('=') != std::string::npos && !variable.starts_with("QUERN_MARK="))
      set_variable(plan.env, variable);
}

const Command& CommandOfJob::of(const Task& task) {
  const auto owner = task.common_owner();
  if (owner && owner_.lock() == owner) return command_;
  owner_.reset();
  command_ = command_in(task.common());
  owner_ = owner;
  return command_;
}

std::string describe(const process::End& end, std::uint64_t memory_limit) {
  std::string text = end.signal != 0 ? "killed by signal " + std::to_string(end.signal) + " (" +
                                           ::strsignal(end.signal) + ")"
                                     : "exit code " + std::to_string(end.code);
  // A program that runs out of memory can end in any way; its peak memory is the only sign.
  if (memory_limit > 0 && end.memory_bytes >= memory_limit / 2)
    text += "; its limit is " + text_of_bytes(memory_limit) +
            " of memory (--slot-memory), and it used " +
            text_of_bytes(end.memory_bytes >> 20 << 20);
  return text;
}

}  // namespace quern::worker
