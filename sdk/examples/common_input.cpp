// Shows common input: bytes that all tasks of a job need, which each worker receives once per job.
// Here they are the coefficients of a polynomial, which the tasks evaluate at many places. The
// program is the worker and the client.
//
//   quern up                               # in a second terminal:
//   build/release/bin/example_common_input worker
//   build/release/bin/example_common_input     # in a third one
#include <iostream>
#include <memory>
#include <quern/client.hpp>
#include <quern/typed.hpp>
#include <quern/worker.hpp>
#include <string_view>
#include <vector>

namespace {

using Coefficients = std::vector<std::int64_t>;  // of x^0, x^1, x^2, ...

// Decodes the common input once per job and slot instead of once per task. As long as the owner is
// the same, so are the bytes.
const Coefficients& coefficients_of(const quern::Task& task) {
  thread_local std::weak_ptr<const void> owner;
  thread_local Coefficients coefficients;
  const auto now = task.common_owner();
  if (!now) throw quern::Permanent("the job has no common input: submit it with `common`");
  if (owner.lock() != now) {
    coefficients = quern::from_value<Coefficients>(task.common());
    owner = now;
  }
  return coefficients;
}

// Horner's rule.
std::int64_t evaluate(std::int64_t x, quern::Task& task) {
  const Coefficients& coefficients = coefficients_of(task);
  std::int64_t y = 0;
  for (auto c = coefficients.rbegin(); c != coefficients.rend(); ++c) y = y * x + *c;
  return y;
}

int work(int argc, char** argv) {
  quern::Functions functions;
  functions.add("evaluate", evaluate, {.idempotent = true});
  return quern::run_worker(argc, argv, functions);
}

int submit() {
  quern::Client client;
  const Coefficients coefficients{1, -2, 3};  // 1 - 2x + 3x^2
  const quern::Job job =
      client.submit("evaluate", quern::Range{-2, 3}, {.common = quern::to_value(coefficients)});
  while (const auto result = job.next()) {
    if (!result->ok) throw quern::JobError(result->code, result->text);
    std::cout << "p(" << static_cast<std::int64_t>(result->index) - 2
              << ") = " << quern::from_value<std::int64_t>(result->bytes) << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && std::string_view(argv[1]) == "worker") return work(argc - 1, argv + 1);
  return submit();
} catch (const quern::Error& error) {
  std::cerr << "common_input: " << error.what() << '\n';
  return 1;
}
