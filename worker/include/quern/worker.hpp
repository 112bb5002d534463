// What a function author includes. A worker in ten lines:
//
//   #include <quern/worker.hpp>
//   int main(int argc, char** argv) {
//     quern::Functions functions;
//     functions.add("square", [](std::uint64_t x) { return x * x; });
//     functions.add_range("sum", [](quern::Range r) { ... return total; }, {.reduce = "sum"});
//     return quern::run_worker(argc, argv, functions);
//   }
//
// A function may run more than once for the same task: its worker was lost, or it failed and is
// tried again. One that is declared idempotent may also run twice at the same time, when it is
// slow. Throw quern::Permanent where another attempt is of no use. It is called from several
// threads at once, one per slot. What it throws becomes the task's error with its text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/input.hpp"
#include "quern/status.hpp"
#include "quern/typed.hpp"
#include "quern/value.hpp"

namespace quern {

/// What a function sees of the task it runs. Valid during the call only; this thread only.
class Task {
 public:
  virtual ~Task() = default;
  virtual BytesView input() const = 0;    ///< item or whole input; empty for a range
  virtual Encoding encoding() const = 0;  ///< of the input
  virtual Range range() const = 0;        ///< range functions: this quantum
  virtual BytesView common() const = 0;   ///< the job's common input, or empty
  /// What keeps common() where it is: a function may remember what it made of it for the next task
  /// of the job. When nobody but the function holds it any more, the job is over for this worker.
  /// Null without a common input.
  virtual std::shared_ptr<const void> common_owner() const = 0;
  virtual std::uint64_t index() const = 0;    ///< of the (first) task in its job
  virtual std::uint32_t attempt() const = 0;  ///< 1 for the first
  /// The task was cancelled or timed out: its result will not be used; return soon.
  virtual bool cancelled() const = 0;
};

/// Thrown by a function whose task failed in a way that another attempt would not change (an input
/// that is wrong, say): it is not tried again, whatever the job's attempts. The task ends with the
/// code `permanent` and this text.
class Permanent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown by a function whose task failed, but which has something to show for it: what it wrote
/// goes to the client with the error (TaskResult::bytes), once the task has failed for good. Not
/// for tasks that are folded by a reducer. `permanent`: another attempt is of no use, as with
/// Permanent.
class FailedWithOutput : public std::runtime_error {
 public:
  FailedWithOutput(const std::string& text, Bytes output, bool permanent = false)
      : std::runtime_error(text), output_(std::move(output)), permanent_(permanent) {}
  const Bytes& output() const noexcept { return output_; }
  bool permanent() const noexcept { return permanent_; }

 private:
  Bytes output_;
  bool permanent_;
};

/// Where a function writes its one result: append octets. (It is the batch being built; do not
/// erase what you did not append.)
class Output {
 public:
  explicit Output(Bytes& bytes) : bytes_(bytes) {}
  void append(BytesView more) { bytes_.append(more); }
  Bytes& bytes() { return bytes_; }

 private:
  Bytes& bytes_;
};

using Body = std::function<void(Task&, Output&)>;

/// Where a function of several items writes what became of each, in their order.
class Answers {
 public:
  struct Answer {
    bool ok = true;
    Bytes bytes;  ///< the result, or the error's text
  };
  void result(Bytes bytes) { all_.push_back({true, std::move(bytes)}); }
  void failure(std::string text) { all_.push_back({false, std::move(text)}); }
  std::size_t count() const { return all_.size(); }
  const std::vector<Answer>& all() const { return all_; }

 private:
  std::vector<Answer> all_;
};

/// A function of several items at a call, for work that has a cost per call: a program that is fed,
/// a GPU. How many follows from how long they take (about a millisecond's worth; one, with a
/// timeout). Items that it leaves without an answer fail with the text of what it throws. The task
/// tells of the first of them.
using BatchBody = std::function<void(Task&, const std::vector<BytesView>& items, Answers&)>;

/// Extras of a function.
struct FunctionOptions {
  std::string reduce{};  ///< reducer of range jobs that name none
  double rate = 0;       ///< tasks per second of one slot, if known beforehand
  /// A second run of a task, even beside the first, does no harm: a slow task may then be started
  /// on another worker too.
  bool idempotent = false;
  std::function<Bytes(BytesView reduced, std::uint64_t total)>
      finish{};  ///< runs once on the reduced result of N tasks (values)
};

struct FunctionEntry {
  FunctionDecl decl;
  Body body;
  std::function<Bytes(BytesView, std::uint64_t)> finish;
  BatchBody batch = nullptr;  ///< instead of `body`
};

struct ReducerEntry {
  ReducerDecl decl;
  std::function<Bytes(BytesView left, BytesView right)> fold;
};

namespace detail {

template <typename F>
struct Signature : Signature<decltype(&F::operator())> {};
template <typename C, typename R, typename... A>
struct Signature<R (C::*)(A...) const> {
  using Result = R;
  using Arguments = std::tuple<std::decay_t<A>...>;
};
template <typename C, typename R, typename... A>
struct Signature<R (C::*)(A...)> : Signature<R (C::*)(A...) const> {};
template <typename R, typename... A>
struct Signature<R (*)(A...)> {
  using Result = R;
  using Arguments = std::tuple<std::decay_t<A>...>;
};

/// The typed argument of a task: values are decoded, raw text is read as JSON, unless the function
/// takes raw bytes.
template <typename T>
T argument_of(const Task& task) {
  // An input of the wrong type is wrong at every attempt.
  try {
    if (task.encoding() == Encoding::value) return from_value<T>(task.input());
    auto value = value_from_json(task.input());
    if (!value) {
      if constexpr (std::is_same_v<T, std::string>) return std::string(task.input());
      throw Permanent("the input is not JSON: " + std::string(task.input().substr(0, 80)));
    }
    return from_value<T>(*value);
  } catch (const Permanent&) {
    throw;
  } catch (const std::exception& error) {
    throw Permanent(error.what());
  }
}

}  // namespace detail

/// The functions and reducers a worker offers. Filled before run_worker(); not changed afterwards.
class Functions {
 public:
  /// A typed function of one item: argument and result are anything msgpack can carry. It may take
  /// a Task& as its last parameter: [](std::string line, quern::Task& task) { ... }.
  template <typename F>
  void add(std::string name, F function, FunctionOptions options = {}) {
    add_typed<F>(std::move(name), Takes::item, std::move(function), std::move(options));
  }

  /// A typed function of a whole input that must not be split.
  template <typename F>
  void add_whole(std::string name, F function, FunctionOptions options = {}) {
    add_typed<F>(std::move(name), Takes::whole, std::move(function), std::move(options));
  }

  /// A function of a sub-range; called for quanta of a few milliseconds, whose results the reducer
  /// folds. Parameters: Range, or Range and Task&.
  template <typename F>
  void add_range(std::string name, F function, FunctionOptions options = {}) {
    using Arguments = typename detail::Signature<F>::Arguments;
    static_assert(std::is_same_v<std::tuple_element_t<0, Arguments>, Range>,
                  "a range function takes a quern::Range");
    add_body(
        std::move(name), Takes::range, Encoding::value,
        [function = std::move(function)](Task& task, Output& out) mutable {
          if constexpr (std::tuple_size_v<Arguments> == 1)
            out.append(to_value(function(task.range())));
          else
            out.append(to_value(function(task.range(), task)));
        },
        std::move(options));
  }

  /// A function of bytes: it sees the input as sent and appends its result.
  void add_raw(std::string name, Body body, FunctionOptions options = {},
               Takes takes = Takes::item);

  /// The general form. Throws std::invalid_argument for an empty, overlong or already declared
  /// (name, takes).
  void add_body(std::string name, Takes takes, Encoding encoding, Body body,
                FunctionOptions options = {});

  /// A function of several items at a call; see BatchBody.
  void add_batch(std::string name, Encoding encoding, BatchBody body, FunctionOptions options = {});

  /// What all of the above come to.
  void add_entry(FunctionEntry entry);

  /// A named reducer: an associative function of two neighbouring partials (values of type T).
  template <typename F>
  void add_reducer(std::string name, F fold) {
    using T = std::tuple_element_t<0, typename detail::Signature<F>::Arguments>;
    add_reducer_body({std::move(name), Encoding::value, false, {}},
                     [fold = std::move(fold)](BytesView left, BytesView right) mutable {
                       return to_value(fold(from_value<T>(left), from_value<T>(right)));
                     });
  }
  template <typename F, typename T>
  void add_reducer(std::string name, F fold, const T& identity) {
    add_reducer_body({std::move(name), Encoding::value, true, to_value(identity)},
                     [fold = std::move(fold)](BytesView left, BytesView right) mutable {
                       return to_value(fold(from_value<T>(left), from_value<T>(right)));
                     });
  }
  void add_reducer_body(ReducerDecl decl, std::function<Bytes(BytesView, BytesView)> fold);

  const std::vector<FunctionEntry>& functions() const { return functions_; }
  const std::vector<ReducerEntry>& reducers() const { return reducers_; }
  const FunctionEntry* find(std::string_view name, Takes takes) const;
  const ReducerEntry* find_reducer(std::string_view name) const;

 private:
  template <typename F>
  void add_typed(std::string name, Takes takes, F function, FunctionOptions options) {
    using Arguments = typename detail::Signature<F>::Arguments;
    using Argument = std::tuple_element_t<0, Arguments>;
    add_body(
        std::move(name), takes, Encoding::value,
        [function = std::move(function)](Task& task, Output& out) mutable {
          auto argument = detail::argument_of<Argument>(task);
          if constexpr (std::tuple_size_v<Arguments> == 1)
            out.append(to_value(function(std::move(argument))));
          else
            out.append(to_value(function(std::move(argument), task)));
        },
        std::move(options));
  }

  std::vector<FunctionEntry> functions_;
  std::vector<ReducerEntry> reducers_;
};

/// The built-in functions of the stock worker (noop echo sleep spin sum primes pi wordcount) and
/// reducer merge_counts.
void add_builtin_functions(Functions& functions);

/// Runs a worker until SIGTERM or SIGINT (drains and leaves; a second signal stops at once) or
/// until it is drained by an operator. Parses the options of `quern-worker`. Returns the exit code.
/// Call from main() only: it handles signals and logs to stderr.
int run_worker(int argc, char** argv, Functions& functions);

}  // namespace quern

/// In a plugin for `quern-worker --load lib.so`:
///   QUERN_PLUGIN(functions) { functions.add("square", ...); }
#define QUERN_PLUGIN_ABI 1
// NOLINTBEGIN(bugprone-macro-parentheses): a parameter's name in a declaration takes none
#define QUERN_PLUGIN(functions)                                                                   \
  extern "C" int quern_plugin_abi() { return QUERN_PLUGIN_ABI; }                                  \
  static void quern_plugin_register_typed(quern::Functions& functions);                           \
  extern "C" void quern_plugin_register(quern::Functions* f) { quern_plugin_register_typed(*f); } \
  static void quern_plugin_register_typed(quern::Functions& functions)
// NOLINTEND(bugprone-macro-parentheses)
