// The functions of workers that run programs: `exec`, a program per item, and `filter`, a program
// per slot that is given item after item. What they take and give is in quern/command.hpp.
#pragma once

#include "quern/worker.hpp"
#include "worker/process/host.hpp"

namespace quern::worker {

/// `host` must outlive the functions.
void add_exec(Functions& functions, Host& host);
void add_filter(Functions& functions, Host& host);

}  // namespace quern::worker
