// Shows a reducer of your own: it runs on the workers, and a client names it. Here the partial
// results are the count, the mean and the sum of squared deviations of some numbers; two of them
// are merged as in Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for
// Computing Sample Variances" (1979). The program is the worker and the client.
//
//   quern up                               # in a second terminal:
//   build/release/bin/example_own_reducer worker
//   build/release/bin/example_own_reducer      # in a third one
#include <cmath>
#include <iomanip>
#include <iostream>
#include <quern/client.hpp>
#include <quern/typed.hpp>
#include <quern/worker.hpp>
#include <string_view>

namespace {

struct Moments {
  std::uint64_t count = 0;
  double mean = 0;
  double squares = 0;  // sum of (x - mean)^2
  MSGPACK_DEFINE(count, mean, squares)
};

// Associative, as a reducer must be: tasks are combined in whatever groups the workers run them.
Moments merge(const Moments& left, const Moments& right) {
  const std::uint64_t count = left.count + right.count;
  if (count == 0) return {};
  const auto n = static_cast<double>(count);
  const double difference = right.mean - left.mean;
  const double share = static_cast<double>(right.count) / n;
  return {count, left.mean + difference * share,
          left.squares + right.squares +
              difference * difference * share * static_cast<double>(left.count)};
}

// A part of a range at a call: the worker chooses how large the parts are.
Moments moments(quern::Range range) {
  Moments all;
  for (auto x = range.begin; x < range.end; ++x) all = merge(all, {1, static_cast<double>(x), 0});
  return all;
}

int work(int argc, char** argv) {
  quern::Functions functions;
  functions.add_range("moments", moments, {.idempotent = true});
  functions.add_reducer("merge_moments", merge, Moments{});  // with the value for no numbers at all
  return quern::run_worker(argc, argv, functions);
}

int submit() {
  quern::Client client;
  for (const quern::Range range : {quern::Range{1, 1'000'001}, quern::Range{7, 8}, {0, 0}}) {
    const quern::Job job = client.submit("moments", range, {.reduce = "merge_moments"});
    const auto result = quern::from_value<Moments>(job.get());
    const double variance =
        result.count > 0 ? result.squares / static_cast<double>(result.count) : 0;
    std::cout << std::fixed << std::setprecision(1) << result.count << " numbers, mean "
              << result.mean << ", standard deviation " << std::sqrt(variance) << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && std::string_view(argv[1]) == "worker") return work(argc - 1, argv + 1);
  return submit();
} catch (const quern::Error& error) {
  std::cerr << "own_reducer: " << error.what() << '\n';
  return 1;
}
