// Functions that run in a process per slot, so that one that crashes, leaks, exits or overruns
// costs a task and not the worker.
//
// The process is another instance of this program, with the same arguments: it registers the same
// functions, and then serves calls instead of connecting to a broker. Calls and answers are
// length-prefixed msgpack values over a socket pair.
#pragma once

#include "quern/worker.hpp"
#include "worker/process/host.hpp"

namespace quern::worker {

/// The same functions and reducers, each running in a process of the slot that calls it.
/// `arguments`: of this program, to start it with again. `all` and `host` must outlive what is
/// returned.
Functions isolated(const Functions& all, Host& host, std::vector<std::string> arguments);

/// Whether this process is one of a slot (see above).
bool is_slot_process();
/// Serves calls until the worker is gone or closes the socket; the exit code.
int serve_slot(const Functions& functions);

}  // namespace quern::worker
