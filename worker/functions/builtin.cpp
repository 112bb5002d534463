#include "worker/functions/builtin.hpp"

namespace quern {

void add_builtin_functions(Functions& functions) {
  functions::add_echo(functions);
  functions::add_waiting(functions);
  functions::add_sum(functions);
  functions::add_primes(functions);
  functions::add_pi(functions);
  functions::add_wordcount(functions);
}

}  // namespace quern
