/// @file
/// What the author of a function includes. A worker in ten lines:
///
///     #include <quern/worker.hpp>
///     int main(int argc, char** argv) {
///       quern::Functions functions;
///       functions.add("square", [](std::uint64_t x) { return x * x; });
///       functions.add_range("sum", [](quern::Range r) { ... return total; }, {.reduce = "sum"});
///       return quern::run_worker(argc, argv, functions);
///     }
///
/// **Threads.** A function is called from several threads at once, one per slot, so it must not
/// change shared data without a lock (`quern-worker --isolation process` gives each slot a process
/// instead).
///
/// **Errors.** What a function throws becomes the error of its task, with the text of what(); the
/// task is tried again as often as the job allows. Throw quern::Permanent where another attempt is
/// of no use.
///
/// **Repeated runs.** A function may run more than once for the same task: its worker was lost, or
/// it failed and is tried again. A function that is declared idempotent may also run twice at the
/// same time, when it is slow. `sdk/guide/what-can-run-twice.md` says when, and how to forbid it.
#pragma once

#include "quern/bytes.hpp"
#include "quern/functions.hpp"
#include "quern/input.hpp"
#include "quern/nested.hpp"
#include "quern/status.hpp"
#include "quern/task.hpp"
#include "quern/typed.hpp"
#include "quern/value.hpp"

namespace quern {

/// Adds the functions of the stock worker: noop, echo, sleep, spin, sum, primes, pi and wordcount,
/// and the reducer merge_counts. `exec` and `filter` come with the option `--allow-exec` instead.
/// @param functions where to add them
/// @throws std::invalid_argument when one of the names is taken
void add_builtin_functions(Functions& functions);

/// Runs a worker: parses the options of `quern-worker` (see `quern-worker --help`), connects, and
/// runs leases until SIGTERM or SIGINT, or until an operator drains it. At the first signal it
/// finishes what runs and leaves; a second one stops it at once.
///
/// Call it from main() only, before other threads are started: it handles signals and logs to
/// standard error. When a function does not return, it ends the process instead of waiting for it.
/// @param argc number of arguments, from main()
/// @param argv the arguments, from main()
/// @param functions what the worker offers; plugins (`--load`) are added to it
/// @return exit code: 0 left in order, 2 usage, 3 refused by the broker or no broker to join
int run_worker(int argc, char** argv, Functions& functions);

}  // namespace quern

/// Version of the interface between the stock worker and plugins. A worker refuses a plugin that
/// was built with another one; build such a plugin again.
#define QUERN_PLUGIN_ABI 3

/// Begins the one function of a plugin, a shared library that `quern-worker --load lib.so` loads:
///
///     QUERN_PLUGIN(functions) { functions.add("square", ...); }
///
/// What it throws ends the worker with exit code 2 and the text.
/// @param functions name of a parameter of type quern::Functions&
// NOLINTBEGIN(bugprone-macro-parentheses): a parameter's name in a declaration takes none
#define QUERN_PLUGIN(functions)                                                                   \
  extern "C" int quern_plugin_abi() { return QUERN_PLUGIN_ABI; }                                  \
  static void quern_plugin_register_typed(quern::Functions& functions);                           \
  extern "C" void quern_plugin_register(quern::Functions* f) { quern_plugin_register_typed(*f); } \
  static void quern_plugin_register_typed(quern::Functions& functions)
// NOLINTEND(bugprone-macro-parentheses)
