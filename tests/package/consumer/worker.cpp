#include <quern/worker.hpp>

int main(int argc, char** argv) {
  quern::Functions functions;
  functions.add("square", [](std::int64_t x) { return x * x; });
  functions.add_range("sum_of_squares",
                      [](quern::Range range) {
                        std::int64_t total = 0;
                        for (std::int64_t x = range.begin; x < range.end; ++x) total += x * x;
                        return total;
                      },
                      {.reduce = "sum"});
  return quern::run_worker(argc, argv, functions);
}
