// Plugins: shared libraries with functions, loaded into a worker program. They are never unloaded,
// because what they registered is code inside them.
#pragma once

#include <string>

#include "quern/worker.hpp"

namespace quern::worker {

/// Loads the library and lets it register its functions. Throws UsageError with one clear line.
void load_plugin(const std::string& path, Functions& functions);

/// "libcube.so blake2b:..." for the broker's audit log: which code this worker runs. Throws
/// UsageError when it cannot be read.
std::string plugin_record(const std::string& path);

}  // namespace quern::worker
