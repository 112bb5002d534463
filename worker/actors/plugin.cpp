#include "worker/actors/plugin.hpp"

#include <dlfcn.h>

#include <fstream>
#include <iterator>

#include "keys/sodium.hpp"
#include "quern/value.hpp"
#include "worker/actors/options.hpp"

namespace quern::worker {
namespace {

// The templates of a plugin call functions of this program. The linker keeps only what is referred
// to, hence these references.
[[gnu::used]] const void* const kForPlugins[] = {reinterpret_cast<const void*>(&value_from_json),
                                                 reinterpret_cast<const void*>(&json_from_value)};

template <typename F>
F symbol(void* library, const char* name) {
  return reinterpret_cast<F>(::dlsym(library, name));
}

}  // namespace

void load_plugin(const std::string& path, Functions& functions) {
  // dlopen() would search for a plain name in the system's library path, but the user means a file
  // in the current folder.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw UsageError("--load " + path + ": " + ::dlerror());
  const auto abi = symbol<int (*)()>(library, "quern_plugin_abi");
  const auto add = symbol<void (*)(Functions*)>(library, "quern_plugin_register");
  if (!abi || !add)
    throw UsageError("--load " + path + ": not a Quern plugin (QUERN_PLUGIN is missing)");
  if (abi() != QUERN_PLUGIN_ABI)
    throw UsageError("--load " + path + ": built for plugin interface " + std::to_string(abi()) +
                     ", but this worker has " + std::to_string(QUERN_PLUGIN_ABI) + "; rebuild it");
  try {
    add(&functions);
  } catch (const std::exception& error) {
    throw UsageError("--load " + path + ": " + error.what());
  }
}

std::string plugin_record(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(in), {}};
  if (!in) throw UsageError("--load " + path + ": cannot be read");
  return path.substr(path.rfind('/') + 1) + " blake2b:" + keys::hash_hex(content);
}

}  // namespace quern::worker
