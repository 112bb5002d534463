// A plugin as a user would write one.
#include <quern/worker.hpp>

QUERN_PLUGIN(functions) {
  functions.add("cube", [](std::int64_t x) { return x * x * x; });
}
