// A function for chaos runs: each call leaves a line in a file, so that repeated runs are known.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <quern/worker.hpp>
#include <stdexcept>
#include <string>
#include <thread>

QUERN_PLUGIN(functions) {
  // Takes some milliseconds, appends "PID INPUT" to the file that QUERN_CHAOS_TRACE names, and
  // returns its input.
  functions.add_raw("traced", [](quern::Task& task, quern::Output& out) {
    const std::string input(task.input());
    std::this_thread::sleep_for(
        std::chrono::milliseconds(1 + std::hash<std::string>{}(input) % 12));
    const char* path = std::getenv("QUERN_CHAOS_TRACE");
    const int file = path ? ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    const std::string line = std::to_string(::getpid()) + " " + input + "\n";
    if (file < 0 || ::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw std::runtime_error("cannot leave a trace");
    ::close(file);
    out.append(input);
  });
}
