// The options of a worker program.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/log.hpp"

namespace quern::worker {

struct Options {
  enum class Show { nothing, help, version } show = Show::nothing;
  std::string endpoint;
  std::string keys;  ///< folder; empty: the default
  bool insecure = false;
  std::string join;  ///< an invitation code; empty: none
  std::uint32_t slots = 1;
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, double> resources;
  std::vector<std::string> plugins;
  std::string call;  ///< a function to serve over standard input and output instead of connecting
                     ///< to a broker
  bool allow_exec = false;           ///< offers exec and filter
  bool isolate = false;              ///< functions run in a process per slot
  std::uint64_t slot_memory = 0;     ///< memory limit of a slot's process in bytes; 0: none
  std::vector<std::string> allowed;  ///< patterns of what it runs; empty: all
  double cpu_share = 1;
  std::chrono::milliseconds drain_wait{30000};
  runtime::LogLevel log_level = runtime::LogLevel::info;
};

/// An error in the options or in a plugin; the text is one line for the user.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws UsageError.
Options parse_options(int argc, const char* const* argv);
std::string help_text();

}  // namespace quern::worker
