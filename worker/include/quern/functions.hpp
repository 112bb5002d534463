/// @file
/// The functions and reducers that a worker offers.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/input.hpp"
#include "quern/status.hpp"
#include "quern/task.hpp"
#include "quern/typed.hpp"
#include "quern/value.hpp"

namespace quern {

/// Options of a function.
struct FunctionOptions {
  /// Reducer for jobs over a range that name none: a built-in one, or a named one. Empty: none.
  std::string reduce{};
  /// Speed of one slot in tasks per second, if it is known beforehand; 0: the broker measures
  /// first.
  double rate = 0;
  /// A second run of a task, even at the same time, does no harm. A slow task may then be started
  /// on another worker as well (a speculative attempt).
  bool idempotent = false;
  /// Maximum number of tasks in a lease; 0: the broker decides.
  std::uint64_t max_lease = 0;
  /// People do the tasks, so that a task may take minutes or days: the broker neither starts it a
  /// second time nor takes it back because it is slow, and measures no speed.
  bool people = false;
  /// Finishing step: runs once on the reduced result of all `total` tasks and returns the result of
  /// the job. Values in and out. Empty: none.
  std::function<Bytes(BytesView reduced, std::uint64_t total)> finish{};
  /// Whether another attempt may help after the function threw this. False ends the task for good
  /// with ErrorCode::permanent, as if it had thrown Permanent. Called on the thread of the task;
  /// not for Permanent and FailedWithOutput, which say it themselves. When it throws, the answer is
  /// yes. Empty: yes.
  std::function<bool(const std::exception& error)> retry{};
};

/// A function as a worker keeps it; see Functions::add_entry().
struct FunctionEntry {
  FunctionDecl decl;  ///< what the broker is told
  Body body;          ///< called for a task, or for a part of a range
  std::function<Bytes(BytesView, std::uint64_t)> finish;       ///< FunctionOptions::finish
  BatchBody batch = nullptr;                                   ///< instead of `body`; empty: none
  std::function<bool(const std::exception&)> retry = nullptr;  ///< FunctionOptions::retry

  /// Whether another attempt may help after this error.
  /// @param error what the function threw
  /// @return what FunctionOptions::retry says, if it says anything
  bool may_retry(const std::exception& error) const {
    try {
      return !retry || retry(error);
    } catch (...) {
      return true;
    }
  }
};

/// A named reducer as a worker keeps it; see Functions::add_reducer_body().
struct ReducerEntry {
  ReducerDecl decl;  ///< what the broker is told
  /// Combines the partial results of two neighbouring intervals; `left` has the lower indices.
  std::function<Bytes(BytesView left, BytesView right)> fold;
};

/// @cond
// How the templates below take functions apart; not for programs.
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
/// @endcond

/// The functions and reducers that a worker offers. Fill it before run_worker(); it is not changed
/// afterwards. One thread.
///
/// All add functions throw std::invalid_argument for a name that is empty, longer than 255 bytes,
/// not UTF-8, or already taken: by a function that takes the same, or by a reducer.
class Functions {
 public:
  /// Adds a typed function of one item. Values are decoded; raw text is read as JSON. An input that
  /// does not fit the argument fails the task for good (ErrorCode::permanent).
  /// @tparam F a callable with one signature. Argument and result are anything that msgpack can
  /// carry
  ///         (quern/typed.hpp). It may take a Task& as its last parameter:
  ///         `[](std::string line, quern::Task& task) { ... }`.
  /// @param name its name
  /// @param function called from several threads at once
  /// @param options its options
  template <typename F>
  void add(std::string name, F function, FunctionOptions options = {}) {
    add_typed<F>(std::move(name), Takes::item, std::move(function), std::move(options));
  }

  /// Adds a typed function of a whole input, which must not be split. Otherwise as add().
  /// @tparam F as for add()
  /// @param name its name
  /// @param function called from several threads at once
  /// @param options its options
  template <typename F>
  void add_whole(std::string name, F function, FunctionOptions options = {}) {
    add_typed<F>(std::move(name), Takes::whole, std::move(function), std::move(options));
  }

  /// Adds a function of a part of a range. It is called for a few milliseconds of work at a time,
  /// and the reducer of the job combines the results. When a call throws, the halves of its range
  /// are tried, so that only tasks that really fail count as failed.
  /// @tparam F a callable with the parameters Range, or Range and Task&, and a result that msgpack
  /// can
  ///         carry
  /// @param name its name
  /// @param function called from several threads at once
  /// @param options its options; FunctionOptions::reduce spares clients to name the reducer
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

  /// Adds a function of bytes: it sees the input as it was sent, and its result is raw bytes.
  /// @param name its name
  /// @param body called from several threads at once
  /// @param options its options
  /// @param takes what it takes at a call
  void add_raw(std::string name, Body body, FunctionOptions options = {},
               Takes takes = Takes::item);

  /// Adds a function in the general form.
  /// @param name its name
  /// @param takes what it takes at a call
  /// @param encoding of its results, and of its input if it is `value`
  /// @param body called from several threads at once
  /// @param options its options
  /// @throws std::invalid_argument for a name that is not allowed or taken
  void add_body(std::string name, Takes takes, Encoding encoding, Body body,
                FunctionOptions options = {});

  /// Adds a function of several items at a call; see BatchBody.
  /// @param name its name
  /// @param encoding of its results, and of its input if it is `value`
  /// @param body called from several threads at once
  /// @param options its options
  void add_batch(std::string name, Encoding encoding, BatchBody body, FunctionOptions options = {});

  /// Adds a function that is described completely; all functions above end here.
  /// @param entry the function
  void add_entry(FunctionEntry entry);

  /// Adds a named reducer, which combines results into one (SubmitOptions::reduce,
  /// FunctionOptions::reduce). Its results and partial results are values. It must be associative:
  /// `fold(fold(a, b), c)` equals `fold(a, fold(b, c))`. It need not be commutative: `left` always
  /// has the lower indices. A job that is reduced over nothing has no value.
  /// @tparam F a callable that takes two partial results of a type T and returns a T
  /// @param name its name; not that of a built-in reducer
  /// @param fold called from several threads at once
  template <typename F>
  void add_reducer(std::string name, F fold) {
    using T = std::tuple_element_t<0, typename detail::Signature<F>::Arguments>;
    add_reducer_body({std::move(name), Encoding::value, false, {}},
                     [fold = std::move(fold)](BytesView left, BytesView right) mutable {
                       return to_value(fold(from_value<T>(left), from_value<T>(right)));
                     });
  }

  /// The same with an identity.
  /// @tparam F as above
  /// @tparam T type of the partial results
  /// @param name its name; not that of a built-in reducer
  /// @param fold called from several threads at once
  /// @param identity the value of a job that is reduced over nothing; at most 4096 bytes as a value
  template <typename F, typename T>
  void add_reducer(std::string name, F fold, const T& identity) {
    add_reducer_body({std::move(name), Encoding::value, true, to_value(identity)},
                     [fold = std::move(fold)](BytesView left, BytesView right) mutable {
                       return to_value(fold(from_value<T>(left), from_value<T>(right)));
                     });
  }

  /// Adds a named reducer of bytes.
  /// @param decl its name, the encoding of its partial results, and its identity
  /// @param fold combines two partial results; called from several threads at once
  /// @throws std::invalid_argument for a name that is not allowed, taken, or that of a built-in
  ///         reducer
  void add_reducer_body(ReducerDecl decl, std::function<Bytes(BytesView, BytesView)> fold);

  /// @return all functions, in the order in which they were added
  const std::vector<FunctionEntry>& functions() const { return functions_; }
  /// @return all reducers, in the order in which they were added
  const std::vector<ReducerEntry>& reducers() const { return reducers_; }

  /// Looks for a function.
  /// @param name its name
  /// @param takes what it takes at a call
  /// @return the function, valid until the next add; null when there is none
  const FunctionEntry* find(std::string_view name, Takes takes) const;

  /// Looks for a reducer that was added (built-in reducers are not found).
  /// @param name its name
  /// @return the reducer, valid until the next add; null when there is none
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

}  // namespace quern
