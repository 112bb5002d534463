// The built-in functions, one registration per family. add_builtin_functions() calls them all.
#pragma once

#include "quern/worker.hpp"

namespace quern::functions {

void add_echo(Functions& functions);       // noop, echo
void add_waiting(Functions& functions);    // sleep, spin
void add_sum(Functions& functions);        // sum
void add_primes(Functions& functions);     // primes
void add_pi(Functions& functions);         // pi
void add_wordcount(Functions& functions);  // wordcount, merge_counts

}  // namespace quern::functions
