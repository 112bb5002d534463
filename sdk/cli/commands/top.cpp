// `quern top`: workers, jobs and errors, live.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "cli/commands/command.hpp"
#include "cli/live/screen.hpp"
#include "cli/live/top_source.hpp"
#include "cli/live/top_view.hpp"
#include "cli/output/json.hpp"
#include "cli/output/output.hpp"
#include "cli/process/attended.hpp"
#include "cli/process/interrupt.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

constexpr Manual kTopManual = {
    "quern top [--interval S] [--once]",
    "Shows the broker, its workers, jobs and the latest failed jobs, and updates them until q or "
    "Ctrl-C. The bars of a worker are its busy slots and its cores: # for a core per busy slot, + "
    "for what other processes use. The "
    "bar of a job is the share of its tasks that have ended. If the broker is unreachable, the "
    "view says so, and "
    "continues when it is back.\n\nIf standard output is not a terminal, the state is printed once "
    "as plain text.",
    "  quern top\n  quern top --interval 0.5 --broker tcp://10.0.0.5:7600\n  quern top --once > "
    "picture.txt\n"
    "  quern top --json | jq -c '.workers[] | {worker, busy}'\n"};

constexpr auto kRetry =
    2s;  ///< after this time without a broker, the view shows the reason and tries again
constexpr auto kFarewell = 300ms;  ///< how long closing the connection may take
constexpr int kRedraw_ms = 1000;   ///< interval for redrawing the age of an old picture

Json object_of(const TopPicture& picture) {
  Json object{{"endpoint", picture.endpoint},
              {"broker", nullptr},
              {"workers", Json::array()},
              {"jobs", Json::array()}};
  if (!picture.trouble.empty()) {
    object["error"] = picture.trouble;
    return object;
  }
  object["broker"] = to_json(picture.broker);
  for (const WorkerStatus& worker : picture.workers) {
    Json& row = object["workers"].emplace_back(to_json(worker));
    const auto speed = picture.speed.find(worker.id);
    row["tasks_per_s"] = speed == picture.speed.end() ? Json() : Json(speed->second);
  }
  for (const JobStatus& job : picture.jobs) object["jobs"].push_back(to_json(job));
  return object;
}

void print(const std::string& text) {
  if (!(std::cout << text << std::flush)) leave(Exit::done);
}

std::string plain_text(const TopPicture& picture) {
  std::string text;
  for (const ViewLine& line : top_view(picture, kBoundless)) text += line.text + '\n';
  return text;
}

/// Prints an object per refresh until a signal or a closed pipe ends it; an unreachable broker is
/// an object too.
[[noreturn]] void stream(Client& client, std::chrono::milliseconds interval) {
  using Clock = std::chrono::steady_clock;
  TopPicture before;
  Clock::time_point taken{};
  for (;;) {
    TopPicture picture;
    try {
      picture = take_picture(client);
      const auto now = Clock::now();
      picture.speed = speeds(before, picture, std::chrono::duration<double>(now - taken).count());
      before = picture;
      taken = now;
    } catch (const ConnectionError& error) {
      picture.endpoint = client.endpoint();
      picture.trouble = error.what();
    }
    print(line_of(object_of(picture)));
    std::this_thread::sleep_for(interval);
  }
}

/// Signals as a descriptor that can be polled. Construct in main's thread before any other thread
/// starts.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT})
      sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Signals() { ::close(descriptor_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int descriptor() const { return descriptor_; }
  /// The next signal that arrived, or 0.
  int next() {
    signalfd_siginfo info;
    return ::read(descriptor_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)
               ? static_cast<int>(info.ssi_signo)
               : 0;
  }

 private:
  int descriptor_;
};

/// Handles the signals that arrived; nothing: continue.
std::optional<Exit> heed(Signals& signals, Screen& screen) {
  while (const int number = signals.next()) {
    if (number == SIGINT) return Exit::done;  // ends the view as q does
    if (number == SIGTERM || number == SIGHUP || number == SIGQUIT) return Exit::interrupted;
    if (number == SIGTSTP) {
      screen.leave();
      ::raise(SIGSTOP);
      screen.enter();
    }
  }
  return std::nullopt;
}

/// Draws until the user quits.
Exit show(TopSource& source, Signals& signals) {
  Screen screen;
  for (;;) {
    if (const auto picture = source.latest()) screen.draw(top_view(*picture, screen.extent()));
    pollfd ready[] = {{signals.descriptor(), POLLIN, 0},
                      {source.descriptor(), POLLIN, 0},
                      {screen.keys(), POLLIN, 0}};
    if (::poll(ready, 3, kRedraw_ms) < 0) continue;
    if (const auto exit = heed(signals, screen)) return *exit;
    if (ready[2].revents == 0) continue;
    bool gone = false;
    const std::string keys = screen.pressed(gone);
    if (gone) return Exit::interrupted;
    if (keys.find_first_of("qQ") != std::string::npos) return Exit::done;
  }
}

Exit live(ClientOptions options, std::chrono::milliseconds interval) {
  Signals signals;
  options.retry = kRetry;
  Client client(options);
  client.broker();  // reports a refusal or a missing broker as any other command does
  TopSource source(std::move(client), interval);
  const Exit exit = show(source, signals);
  // A query to an unreachable broker may be in progress; do not wait for it.
  if (!source.stop(kFarewell)) std::_Exit(static_cast<int>(exit));
  return exit;
}

}  // namespace

Syntax top_syntax() {
  Syntax syntax(kTopManual);
  auto add = syntax.add();
  add("interval", option<double>("S"), "seconds between updates; default 1");
  add("once", flag(), "print the state once and exit");
  return syntax;
}

Exit top(const Arguments& arguments) {
  const auto given = top_syntax().parse(arguments);
  if (!given) return Exit::done;
  const auto interval = given->interval(1);
  const bool once = given->flag("once");
  if (!once && !given->json() && may_draw(STDOUT_FILENO)) return live(given->client(), interval);

  Interrupt interrupt([] { std::_Exit(static_cast<int>(Exit::interrupted)); });
  Client client(given->client());
  if (given->json() && !once) {
    client.connect();
    stream(client, interval);
  }
  const TopPicture picture = take_picture(client);
  print(given->json() ? line_of(object_of(picture)) : plain_text(picture));
  return Exit::done;
}

}  // namespace quern::cli
