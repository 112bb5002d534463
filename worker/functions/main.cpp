// quern-worker: the stock worker, with the built-in functions and those of --load.
#include "quern/worker.hpp"

int main(int argc, char** argv) {
  quern::Functions functions;
  quern::add_builtin_functions(functions);
  return quern::run_worker(argc, argv, functions);
}
