#include "chaos/ledger.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <unordered_map>

namespace quern::chaos {
namespace {

struct Entry {
  std::uint64_t client = 0;
  bool accepted = false, detached = false;
  std::string job;     ///< "NUMBER KIND SIZE SEED"
  std::string ending;  ///< completed, lost, ...; empty if none was recorded
  std::string rest;
};

std::map<std::string, Entry> read(const std::string& folder) {
  std::map<std::string, Entry> entries;
  for (const char* file : {"/journal", "/collected"}) {
    std::ifstream in(folder + file);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string name, what;
      words >> name >> what;
      Entry& entry = entries[name];
      entry.client = std::stoull(name);
      if (what == "accepted") {
        std::string number, how, rest;
        words >> number >> how;
        std::getline(words, rest);
        entry.accepted = true;
        entry.detached = how == "detached";
        entry.job = number + rest;
      } else {
        entry.ending = what;
        std::getline(words, entry.rest);
      }
    }
  }
  return entries;
}

}  // namespace

std::string unread_jobs(const std::string& folder) {
  std::string out;
  for (const auto& [name, entry] : read(folder))
    if (entry.accepted && entry.detached && entry.ending.empty())
      out += name + " " + entry.job + "\n";
  return out;
}

Verdict judge(const std::string& folder, const std::set<std::uint64_t>& killed_clients) {
  Verdict v;
  for (const auto& [name, entry] : read(folder)) {
    const std::string line = name + " (" + entry.job + "): " + entry.ending + entry.rest;
    if (!entry.accepted) {
      ++v.refused;
      continue;
    }
    ++v.submitted;
    if (entry.ending == "completed") {
      ++v.completed;
      v.tasks += std::stoull(entry.rest);
    } else if (entry.ending.empty() && !entry.detached && killed_clients.contains(entry.client)) {
      ++v.abandoned;
    } else {
      if (entry.ending == "duplicated")
        ++v.duplicated;
      else if (entry.ending == "wrong")
        ++v.wrong;
      else
        ++v.lost;
      v.reasons.push_back(line);
    }
  }
  return v;
}

std::vector<std::string> reruns_of_live_leases(const std::string& folder,
                                               const std::set<pid_t>& disturbed) {
  std::unordered_map<std::string, pid_t> first;
  std::vector<std::string> reruns;
  std::ifstream in(folder + "/trace");
  pid_t pid = 0;
  for (std::string task; in >> pid >> task;) {
    const auto [it, fresh] = first.try_emplace(task, pid);
    if (!fresh && !disturbed.contains(it->second))
      reruns.push_back("task " + task + " ran in process " + std::to_string(it->second) +
                       ", then in " + std::to_string(pid));
  }
  return reruns;
}

std::uint64_t progress(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const char* file : {"/trace", "/journal", "/collected", "/commands"}) {
    std::error_code none;
    const auto size = std::filesystem::file_size(folder + file, none);
    if (!none) bytes += size;
  }
  return bytes;
}

}  // namespace quern::chaos
