// A worker with a function of its own: quern run square --items numbers.txt
#include <quern/worker.hpp>

int main(int argc, char** argv) {
  quern::Functions functions;
  functions.add("square", [](std::uint64_t x) { return x * x; });
  return quern::run_worker(argc, argv, functions);
}
