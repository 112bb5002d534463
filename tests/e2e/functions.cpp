// Functions that tests load into the stock worker: they fail, wait and leave traces on demand.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <quern/worker.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

/// Appends a few bytes; O_APPEND keeps those of several processes apart.
void leave_trace(const std::string& path, const std::string& bytes = "x") {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || ::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("cannot write " + path);
  ::close(file);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

QUERN_PLUGIN(functions) {
  // Always fails, with its own text.
  functions.add_raw("fail", [](quern::Task& task, quern::Output&) {
    throw std::runtime_error("cannot grind " + std::string(task.input()));
  });

  // Returns as many bytes as its input says.
  functions.add_raw("swell", [](quern::Task& task, quern::Output& out) {
    out.append(std::string(std::stoull(std::string(task.input())), 'x'));
  });

  // Fails twice, then returns the number of the successful attempt.
  functions.add_raw("flaky", [](quern::Task& task, quern::Output& out) {
    if (task.attempt() < 3) throw std::runtime_error("not yet");
    out.append(std::string(task.input()) + " at attempt " + std::to_string(task.attempt()));
  });

  // Crashes, hangs or leaks, as the input says.
  functions.add("crash", [](std::string how, quern::Task& task) {
    if (how == "segv") ::raise(SIGSEGV);
    if (how == "abort") std::abort();
    if (how == "exit") ::_exit(3);
    while (how == "hang" && !task.cancelled()) std::this_thread::sleep_for(2ms);
    std::vector<std::string> leak;
    while (how == "leak") leak.emplace_back(1 << 20, 'x');
    return how;
  });

  // An integer, unchanged.
  functions.add("same", [](std::int64_t x) { return x; });

  // Fails for odd numbers.
  functions.add("even", [](std::int64_t x) {
    if (x % 2 != 0) throw std::runtime_error(std::to_string(x) + " is odd");
    return x;
  });

  // Input PATH: leaves a byte in PATH.started, returns when PATH exists; if cancelled, leaves
  // a byte in PATH.cancelled.
  functions.add_raw("gate", [](quern::Task& task, quern::Output& out) {
    const std::string path(task.input());
    leave_trace(path + ".started");
    while (!exists(path)) {
      if (task.cancelled()) {
        leave_trace(path + ".cancelled");
        throw std::runtime_error("cancelled");
      }
      std::this_thread::sleep_for(2ms);
    }
    out.append(path);
  });

  // Common input PATH: leaves a byte there for every run, and returns its input.
  functions.add_raw("traced", [](quern::Task& task, quern::Output& out) {
    leave_trace(std::string(task.common()));
    out.append(task.input());
  });

  // Input "PATH NAME": takes 5 ms, leaves the line NAME in PATH, returns NAME.
  functions.add_raw("slow_trace", [](quern::Task& task, quern::Output& out) {
    const std::string input(task.input());
    const std::string name = input.substr(input.find(' ') + 1);
    std::this_thread::sleep_for(5ms);
    leave_trace(input.substr(0, input.find(' ')), name + "\n");
    out.append(name);
  });

  // Input PATH: fails until PATH exists.
  functions.add_raw("needs_file", [](quern::Task& task, quern::Output& out) {
    if (!exists(std::string(task.input())))
      throw std::runtime_error(std::string(task.input()) + " is not there");
    out.append("found");
  });

  // What a task knows about its job.
  functions.add_raw("about", [](quern::Task& task, quern::Output& out) {
    out.append("job " + std::to_string(value(task.job())) + " task " +
               std::to_string(task.index()) + " attempt " + std::to_string(task.attempt()));
    for (const auto& [name, about] : task.metadata()) out.append(" " + name + "=" + about);
  });

  // Input PATH: tells that it has started and is half done, and returns when PATH exists.
  functions.add_raw("chatty", [](quern::Task& task, quern::Output& out) {
    const std::string path(task.input());
    task.log("started");
    task.progress(0.5, "waiting for " + path);
    while (!exists(path) && !task.cancelled()) std::this_thread::sleep_for(2ms);
    task.log("found it");
    out.append("done");
  });

  // Always fails; another attempt may help unless its input is "never".
  functions.add(
      "choosy", [](std::string input) -> int { throw std::runtime_error(input); },
      {.retry = [](const std::exception& error) { return std::string(error.what()) != "never"; }});

  // Fibonacci numbers by tasks that submit tasks.
  functions.add("fib", [](std::uint64_t n, quern::Task& task) -> std::uint64_t {
    if (n < 2) return n;
    const auto job =
        task.submit("fib", quern::Items::values_of(std::vector{n - 1, n - 2}), {.nested = true});
    const auto both = job.get_all<std::uint64_t>();
    return both.at(0) + both.at(1);
  });

  // Input "FUNCTION INPUT": submits it as a job of one task, waits, and returns the result.
  functions.add_raw("parent", [](quern::Task& task, quern::Output& out) {
    const std::string input(task.input());
    const auto blank = input.find(' ');
    out.append(task.submit(input.substr(0, blank), quern::Whole{input.substr(blank + 1)},
                           {.attempts = 1, .nested = true})
                   .get());
  });

  // Input "FUNCTION INPUT": submits it and does not wait. Its result says so.
  functions.add_raw("careless", [](quern::Task& task, quern::Output& out) {
    const std::string input(task.input());
    const auto blank = input.find(' ');
    task.submit(input.substr(0, blank), quern::Whole{input.substr(blank + 1)});
    out.append("submitted");
  });

  // Submits the items "a" and "" to a function that fails, and describes what came of it.
  functions.add_raw("post_mortem", [](quern::Task& task, quern::Output& out) {
    const auto job =
        task.submit("fail", quern::Items::of(std::vector<std::string>{"a", "b"}), {.attempts = 1});
    const quern::Outcome outcome = job.wait();
    out.append(std::string(quern::to_string(outcome.state)));
    for (const auto& result : job.results())
      out.append("; " + std::to_string(result.index) + " " + result.text);
    try {
      job.get_all();
    } catch (const quern::JobError& error) {
      out.append("; " + std::string(quern::to_string(error.code())));
    }
  });

  // Sums the integers below its input with the range function `sum` of the stock worker.
  functions.add("sum_below", [](std::int64_t n, quern::Task& task) {
    return task.submit("sum", quern::Range{0, n}).get<std::int64_t>();
  });

  // The common input of the job, for every task.
  functions.add_raw("common",
                    [](quern::Task& task, quern::Output& out) { out.append(task.common()); });
}
