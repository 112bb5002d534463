#include "worker/process/isolated.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "process/end.hpp"
#include "process/spawn.hpp"
#include "quern/typed.hpp"
#include "worker/process/command_plan.hpp"
#include "worker/process/nested_call.hpp"
#include "worker/process/slot_socket.hpp"

namespace quern::worker {
namespace {

constexpr char kVariable[] = "QUERN_SLOT_PROCESS";
constexpr int kSocket = 3;  // process::SpawnPlan::extra

using Clock = std::chrono::steady_clock;

// Tells the process of a slot that its task was cancelled; it must return within this time, else it
// is killed.
constexpr int kCancelled = SIGUSR1;
constexpr std::chrono::seconds kCancelGrace{1};
volatile std::sig_atomic_t g_cancelled =
    0;  // in the process: set by the signal, read by Task::cancelled()

// ---- messages; both ends are the same build of one program, so there are no versions

struct Request {
  // `told` answers a message of the process in the middle of a call.
  enum What : std::uint8_t { run, fold, finish, told };
  std::uint8_t what = run;
  std::string name;
  std::uint8_t takes = 0;
  std::uint8_t encoding = 0;
  std::string input{};   // fold: the left one; finish: the reduced result
  std::string second{};  // fold: the right one
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::uint64_t index = 0;  // finish: the tasks of the job
  std::uint32_t attempt = 1;
  bool new_common = false;  // `common` replaces the one that was sent last
  std::string common{};
  std::uint64_t job = 0;
  std::map<std::string, std::string> metadata{};
  MSGPACK_DEFINE(what, name, takes, encoding, input, second, begin, end, index, attempt, new_common,
                 common, job, metadata)
};

struct Response {
  // A note of a running task comes before its answer: a line of its log, or how far it is. So does
  // a job that it submits (`bytes`: NestedCall), or for which it waits (`nested`: its number, from
  // 0); these are answered with `told` (`input`: NestedAnswer).
  enum What : std::uint8_t { answer, line, progress, submit, wait };
  std::uint8_t what = answer;
  double done = 0;  // progress
  bool ok = true;
  std::string bytes{};  // result, or the error's text
  bool has_output = false;
  std::string output{};  // of a failed one
  bool out_of_memory = false;
  bool permanent = false;  // Permanent was thrown
  std::uint64_t nested = 0;
  MSGPACK_DEFINE(what, done, ok, bytes, has_output, output, out_of_memory, permanent, nested)
};

// ---- the slot's side

struct Process {
  Process(Host& host, int fd) : mark(host), socket(fd) {}
  ProgramMark mark;
  Child child;
  SlotSocket socket;
  std::weak_ptr<const void> common;  // that was sent last
};

class Isolation {
 public:
  Isolation(Host& host, std::vector<std::string> arguments)
      : host_(host), arguments_(std::move(arguments)) {}

  /// Returns the answer. Throws the function's exception, or an error that tells how its process
  /// ended.
  Bytes call(Request request, Task* task) {
    std::unique_ptr<Process>& process = process_of_this_thread();
    if (!process) process = start();
    attach_common(request, task, *process);
    process->socket.ask([task, pid = process->child.pid(), ended = process->child.ended_fd(),
                         told = std::optional<Clock::time_point>()]() mutable {
      pollfd over{ended, POLLIN, 0};  // a process that it left behind may hold the socket open
      if (::poll(&over, 1, 0) != 0) return false;
      if (!task || !task->cancelled()) return true;
      // As in a thread, the function is notified first (task.cancelled()). If it does not return
      // soon, its process is killed.
      if (!told) {
        told = Clock::now();
        ::kill(pid, kCancelled);
      }
      return Clock::now() - *told < kCancelGrace;
    });
    Response response;
    std::optional<Bytes> bytes;
    std::vector<NestedJob> jobs;
    for (bool sent = process->socket.send(to_value(request));;) {
      bytes = sent ? process->socket.receive() : std::nullopt;
      if (!bytes) return lost(process, task);
      response = from_value<Response>(*bytes);
      if (response.what == Response::answer) break;
      if (!task) continue;
      if (response.what == Response::line)
        task->log(response.bytes);
      else if (response.what == Response::progress)
        task->progress(response.done, response.bytes);
      else
        sent = process->socket.send(to_value(told(response, *task, jobs)));
    }
    if (response.out_of_memory) end(process);  // memory that it leaked must not fail the next task
    if (response.ok) return response.bytes;
    if (response.has_output)
      throw FailedWithOutput(response.bytes, response.output, response.permanent);
    if (response.permanent) throw Permanent(response.bytes);
    throw std::runtime_error(response.bytes + (response.out_of_memory ? limit_text() : ""));
  }

 private:
  /// The answer to a process that submits a job, or waits for one; this thread waits with it.
  static Request told(const Response& asked, Task& task, std::vector<NestedJob>& jobs) {
    NestedAnswer answer;
    try {
      if (asked.what == Response::wait)
        answer = nested_answer(jobs.at(asked.nested));
      else
        jobs.push_back(submit(task, from_value<NestedCall>(asked.bytes)));
    } catch (const Error& error) {
      answer.accepted = false;
      answer.code = static_cast<std::uint16_t>(error.code());
      answer.text = error.what();
    }
    return {.what = Request::told, .name = {}, .input = to_value(answer)};
  }

  std::unique_ptr<Process>& process_of_this_thread() {
    std::lock_guard lock(mutex_);
    return processes_[std::this_thread::get_id()];
  }

  std::unique_ptr<Process> start() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::system_error(errno, std::generic_category(), "cannot create a socket");
    SlotSocket theirs(ends[1]);  // closed when the child has its copy
    auto process = std::make_unique<Process>(host_, ends[0]);
    process::SpawnPlan plan;
    plan.words = arguments_;
    plan.file = "/proc/self/exe";
    plan.env = process::own_environment();
    plan.env.push_back(std::string(kVariable) + "=1");
    plan.env.push_back(process->mark.variable() + '1');
    plan.out = STDERR_FILENO;
    plan.err = STDERR_FILENO;
    plan.extra = ends[1];
    plan.memory_bytes = host_.memory_for(0);
    if (const auto error = process->child.start(plan))
      throw std::runtime_error("the slot's process could not be started: " + error->text + ": " +
                               std::strerror(error->error));
    return process;
  }

  static void attach_common(Request& request, const Task* task, Process& process) {
    const auto owner = task ? task->common_owner() : nullptr;
    if (!owner) {
      request.new_common = true;  // none: the common input of another job must not be used
      process.common.reset();
    } else if (process.common.lock() != owner) {
      request.new_common = true;
      request.common = task->common();
      process.common = owner;
    }
  }

  Bytes lost(std::unique_ptr<Process>& process, const Task* task) {
    const bool cancelled = task && task->cancelled();
    const process::End how = end(process);
    if (cancelled) throw std::runtime_error("cancelled");
    throw std::runtime_error("the function's process ended: " + describe(how, host_.memory_for(0)));
  }

  process::End end(std::unique_ptr<Process>& process) {
    const process::End how = process->child.finish();
    process.reset();
    return how;
  }

  std::string limit_text() const {
    const std::uint64_t limit = host_.memory_for(0);
    return limit == 0
               ? ""
               : "; its limit is " + std::to_string(limit >> 20) + " MiB of memory (--slot-memory)";
  }

  Host& host_;
  std::vector<std::string> arguments_;
  std::mutex mutex_;
  std::map<std::thread::id, std::unique_ptr<Process>> processes_;
};

Request request_of(const FunctionDecl& decl, const Task& task) {
  Request request;
  request.name = decl.name;
  request.takes = static_cast<std::uint8_t>(decl.takes);
  request.encoding = static_cast<std::uint8_t>(task.encoding());
  request.input = task.input();
  request.begin = task.range().begin;
  request.end = task.range().end;
  request.index = task.index();
  request.attempt = task.attempt();
  request.job = value(task.job());
  request.metadata = task.metadata();
  return request;
}

// ---- the process's side

/// A job that a task of this process has submitted.
class ServedJob final : public NestedJob::Handle {
 public:
  ServedJob(SlotSocket& socket, std::uint64_t number) : socket_(socket), number_(number) {}

  const NestedEnd& wait() override {
    if (end_) return *end_;
    NestedAnswer answer = ask(socket_, {.what = Response::wait, .nested = number_});
    accepted_ = answer.accepted;
    return end_.emplace(nested_end(std::move(answer)));
  }
  bool accepted() const override { return accepted_; }

  /// Throws if the worker is gone; then this process ends.
  static NestedAnswer ask(SlotSocket& socket, const Response& question) {
    socket.send(to_value(question));
    const auto bytes = socket.receive();
    if (!bytes) throw std::runtime_error("the worker is gone");
    return from_value<NestedAnswer>(from_value<Request>(*bytes).input);
  }

 private:
  SlotSocket& socket_;
  std::uint64_t number_;
  std::optional<NestedEnd> end_;
  bool accepted_ = false;
};

class ServedTask final : public Task {
 public:
  ServedTask(const Request& request, std::shared_ptr<const Bytes> common, SlotSocket& socket)
      : request_(request), common_(std::move(common)), socket_(socket) {}
  BytesView input() const override { return request_.input; }
  Encoding encoding() const override { return static_cast<Encoding>(request_.encoding); }
  Range range() const override { return {request_.begin, request_.end}; }
  BytesView common() const override { return common_ ? BytesView(*common_) : BytesView(); }
  std::shared_ptr<const void> common_owner() const override { return common_; }
  std::uint64_t index() const override { return request_.index; }
  std::uint32_t attempt() const override { return request_.attempt; }
  bool cancelled() const override { return g_cancelled != 0; }
  JobNumber job() const override { return JobNumber{request_.job}; }
  const std::map<std::string, std::string>& metadata() const override { return request_.metadata; }
  void log(std::string_view line) override { say({.what = Response::line, .bytes = Bytes(line)}); }
  NestedJob submit(std::string function, Input input, SubmitOptions options) override {
    const Bytes call =
        to_value(nested_call(std::move(function), std::move(input), std::move(options)));
    const NestedAnswer answer = ServedJob::ask(socket_, {.what = Response::submit, .bytes = call});
    if (!answer.accepted) throw SubmitError(static_cast<ErrorCode>(answer.code), answer.text);
    return NestedJob(std::make_shared<ServedJob>(socket_, submitted_++));
  }
  void progress(double done, std::string_view doing) override {
    // The worker limits how often the broker is told; what a loop says need not even get there.
    const auto now = Clock::now();
    if (done < 1 && now < said_at_ + kSayEvery) return;
    said_at_ = now;
    say({.what = Response::progress, .done = done, .bytes = Bytes(doing)});
  }

 private:
  static constexpr std::chrono::milliseconds kSayEvery{50};

  // A worker that is gone is noticed when the answer cannot be sent.
  void say(const Response& note) { socket_.send(to_value(note)); }

  const Request& request_;
  std::shared_ptr<const Bytes> common_;
  SlotSocket& socket_;
  std::uint64_t submitted_ = 0;
  Clock::time_point said_at_{};
};

Bytes run_batch(const FunctionEntry& entry, Task& task) {
  Answers answers;
  entry.batch(task, {task.input()}, answers);
  if (answers.count() == 0)
    throw std::runtime_error("the function returned no answer for this item");
  if (!answers.all().front().ok) throw std::runtime_error(answers.all().front().bytes);
  return answers.all().front().bytes;
}

/// What is called for the task of a request; null for a fold or a finishing step.
const FunctionEntry* entry_of(const Functions& functions, const Request& request) {
  if (request.what == Request::fold) return nullptr;
  return functions.find(request.name, static_cast<Takes>(request.takes));
}

Bytes result_of(const Functions& functions, const Request& request,
                const std::shared_ptr<const Bytes>& common, SlotSocket& socket) {
  if (request.what == Request::fold) {
    const ReducerEntry* reducer = functions.find_reducer(request.name);
    if (!reducer) throw std::runtime_error("this worker has no reducer " + request.name);
    return reducer->fold(request.input, request.second);
  }
  const FunctionEntry* entry = entry_of(functions, request);
  if (!entry) throw std::runtime_error("this worker has no function " + request.name);
  if (request.what == Request::finish) return entry->finish(request.input, request.index);
  ServedTask task(request, common, socket);
  if (entry->batch) return run_batch(*entry, task);
  Bytes result;
  Output out(result);
  entry->body(task, out);
  return result;
}

Response respond(const Functions& functions, const Request& request,
                 const std::shared_ptr<const Bytes>& common, SlotSocket& socket) {
  Response response;
  try {
    response.bytes = result_of(functions, request, common, socket);
    return response;
  } catch (const FailedWithOutput& error) {
    response.bytes = error.what();
    response.has_output = true;
    response.output = error.output();
    response.permanent = error.permanent();
  } catch (const Permanent& error) {
    response.bytes = error.what();
    response.permanent = true;
  } catch (const std::bad_alloc&) {
    response.bytes = "out of memory";
    response.out_of_memory = true;
  } catch (const std::exception& error) {
    response.bytes =
        *error.what() ? error.what() : "the function threw an exception without a text";
    const FunctionEntry* entry = entry_of(functions, request);
    response.permanent = request.what == Request::run && entry && !entry->may_retry(error);
  } catch (...) {
    response.bytes = "the function threw something that is not a std::exception";
  }
  response.ok = false;
  return response;
}

}  // namespace

Functions isolated(const Functions& all, Host& host, std::vector<std::string> arguments) {
  auto isolation = std::make_shared<Isolation>(host, std::move(arguments));
  Functions out;
  for (const FunctionEntry& entry : all.functions()) {
    const FunctionDecl& decl = entry.decl;
    FunctionEntry apart{decl, nullptr, nullptr, nullptr, nullptr};  // the process asks `retry`
    apart.body = [isolation, decl](Task& task, Output& result) {
      result.append(isolation->call(request_of(decl, task), &task));
    };
    if (entry.finish) {
      apart.finish = [isolation, decl](BytesView reduced, std::uint64_t total) {
        Request request{.what = Request::finish,
                        .name = decl.name,
                        .takes = static_cast<std::uint8_t>(decl.takes),
                        .input = Bytes(reduced)};
        request.index = total;
        return isolation->call(std::move(request), nullptr);
      };
    }
    out.add_entry(std::move(apart));
  }
  for (const ReducerEntry& entry : all.reducers()) {
    out.add_reducer_body(
        entry.decl, [isolation, name = entry.decl.name](BytesView left, BytesView right) {
          return isolation->call(
              {.what = Request::fold, .name = name, .input = Bytes(left), .second = Bytes(right)},
              nullptr);
        });
  }
  return out;
}

bool is_slot_process() { return std::getenv(kVariable) != nullptr; }

int serve_slot(const Functions& functions) {
  ::unsetenv(kVariable);  // programs that the function starts are not slots
  ::fcntl(kSocket, F_SETFD, FD_CLOEXEC);
  struct sigaction action {};
  action.sa_handler = [](int) { g_cancelled = 1; };
  action.sa_flags = SA_RESTART;
  ::sigaction(kCancelled, &action, nullptr);
  SlotSocket socket(kSocket);
  std::shared_ptr<const Bytes> common;
  while (const auto bytes = socket.receive()) {
    g_cancelled = 0;  // discards a signal for the previous task
    auto request = from_value<Request>(*bytes);
    if (request.new_common) common = std::make_shared<const Bytes>(std::move(request.common));
    if (!socket.send(to_value(respond(functions, request, common, socket)))) break;
  }
  return 0;
}

}  // namespace quern::worker
