// A plugin of 1,000 functions, f0 to f999, each of which answers with its input: for measurements
// of many small jobs.
#include <string>
#include <utility>

#include "quern/worker.hpp"

QUERN_PLUGIN(functions) {
  for (int i = 0; i < 1000; ++i)
    functions.add("f" + std::to_string(i), [](std::string input) { return input; });
}
