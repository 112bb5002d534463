/// @file
/// Results that come later, and what to do with them then:
///
///     auto squares = client.map<double>("square", std::vector<double>{1, 2, 3});
///     auto sum = squares.then([](const std::vector<double>& all) { return total(all); });
///     std::cout << sum.get() << '\n';
///
/// `sdk/guide/own-program.md` shows when each of the ways to wait is the right one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "quern/job.hpp"

namespace quern {

template <typename T>
class Future;

/// @cond
// What futures share; not for programs.
namespace client {

/// The part of a future that does not depend on its type. Any thread may call anything.
class FutureBase : public std::enable_shared_from_this<FutureBase> {
 public:
  explicit FutureBase(std::shared_ptr<CallbackQueue> queue) : queue_(std::move(queue)) {}
  virtual ~FutureBase() = default;
  FutureBase(const FutureBase&) = delete;
  FutureBase& operator=(const FutureBase&) = delete;

  const std::shared_ptr<CallbackQueue>& queue() const { return queue_; }

  /// Whether get() returns or throws at once.
  virtual bool ready();
  /// False when the time is over. None: waits until it is ready.
  virtual bool wait(std::optional<std::chrono::milliseconds> timeout);
  /// Waits until there is a value, or throws the error.
  virtual void settle();
  /// Whether there is a value or an error already, for which nobody has to be asked.
  bool done();
  /// Asks for the end of what it waits for.
  virtual void cancel();

  /// Calls `next` once when there is a value or an error: in the queue, or, without one, on the
  /// thread that provides it. The last action of this function, which may end the life of this.
  void on_ready(std::function<void()> next);
  /// The error, once it is ready.
  std::exception_ptr error();
  /// False if it has a value or an error already.
  bool fail(std::exception_ptr why);
  void on_cancel(std::function<void()> cancel);

 protected:
  using Lock = std::unique_lock<std::mutex>;

  /// Somebody wants to be called: whoever provides the value must provide it without being asked.
  virtual void watch() {}
  /// Makes it ready unless it is; `set` stores the value, under the lock.
  bool finish(const std::function<void()>& set);
  /// As settle(), where it is known that somebody provides the value.
  void await();

  std::mutex mutex_;

 private:
  void run(std::vector<std::function<void()>> next);

  const std::shared_ptr<CallbackQueue> queue_;
  std::condition_variable changed_;
  bool done_ = false;
  bool watched_ = false;
  std::exception_ptr error_;
  std::vector<std::function<void()>> next_;
  std::function<void()> cancel_;
};

/// What a Future<void> holds.
struct Nothing {};
template <typename T>
using Held = std::conditional_t<std::is_void_v<T>, Nothing, T>;

template <typename T>
class FutureState : public FutureBase {
 public:
  using FutureBase::FutureBase;

  bool set(Held<T> value) {
    return finish([&] { value_.emplace(std::move(value)); });
  }
  /// For those who are called by on_ready(): it does not change any more.
  const Held<T>& value() const { return *value_; }
  Held<T> copy() {
    settle();
    Lock lock(mutex_);
    return *value_;
  }
  Held<T> take() {
    settle();
    Lock lock(mutex_);
    return std::move(*value_);
  }
  /// Whoever has read the value without a copy calls this before letting go of the state, so that
  /// take() comes after that.
  void read() { Lock lock(mutex_); }

 private:
  std::optional<Held<T>> value_;
};

/// Waits for a job without calling anything back; the value is made by whoever needs it first.
template <typename T>
class JobFuture final : public FutureState<T> {
 public:
  using Read = std::function<Held<T>(const Job&)>;

  JobFuture(Job job, Read read)
      : FutureState<T>(job.callbacks()), job_(std::move(job)), read_(std::move(read)) {}

  bool ready() override { return job_.wait(std::chrono::milliseconds(0)).finished(); }
  bool wait(std::optional<std::chrono::milliseconds> timeout) override {
    return job_.wait(timeout).finished();
  }
  void settle() override {
    job_.wait();
    take_value();
    this->await();
  }
  void cancel() override { job_.cancel(); }
  const Job& job() const { return job_; }

 private:
  void watch() override {
    job_.on_end([self = std::static_pointer_cast<JobFuture>(this->shared_from_this())](
                    const Outcome&) { self->take_value(); },
                true);
  }
  void take_value() {
    if (taken_.exchange(true)) return;
    std::optional<Held<T>> value;
    try {
      value.emplace(read_(job_));
    } catch (...) {
      this->fail(std::current_exception());
      return;
    }
    this->set(std::move(*value));
  }

  const Job job_;
  const Read read_;
  std::atomic<bool> taken_{false};
};

template <typename T>
struct IsFuture : std::false_type {
  using Value = T;
};
template <typename T>
struct IsFuture<Future<T>> : std::true_type {
  using Value = T;
};

/// Whether a continuation takes the value; otherwise it takes the future itself.
template <typename F, typename T>
constexpr bool takes_value() {
  if constexpr (std::is_void_v<T>)
    return std::is_invocable_v<F&>;
  else
    return std::is_invocable_v<F&, const T&>;
}

template <typename F, typename T>
auto continued(F& function, const std::shared_ptr<FutureState<T>>& state) {
  if constexpr (!takes_value<F, T>())
    return function(Future<T>(state));
  else if constexpr (std::is_void_v<T>)
    return function();
  else
    return function(state->value());
}

/// What a continuation returns, or what the future has that it returns.
template <typename F, typename T>
using Continued = typename IsFuture<decltype(continued(
    std::declval<F&>(), std::declval<const std::shared_ptr<FutureState<T>>&>()))>::Value;

/// Sets `state` to what `call` returns or throws. A future that it returns is followed.
template <typename T, typename F>
void set_from(const std::shared_ptr<FutureState<T>>& state, F&& call);

}  // namespace client
/// @endcond

/// A result that comes later: of a job, of a continuation, of several futures, of a coroutine. It
/// is cheap to copy, and copies share the result.
///
/// **Threads.** Any thread may call any function of any copy at any time. Continuations of the
/// futures of a client (then(), when_all(), when_any(), Job::on_end()) and its coroutines run one
/// after the other on one thread of the client, which is started with the first of them, and is not
/// the thread that receives results: they may block and submit. They delay each other, so long
/// computations belong elsewhere. None of them may wait for another one: get() of a future that a
/// continuation provides throws std::logic_error inside a continuation; use then() or `co_await`.
/// With Callbacks::dispatch they run in Client::dispatch(). What is left when a client is destroyed
/// runs before its destructor returns. A future that belongs to no client (of a coroutine, or made
/// of none) runs its continuations on the thread that made it ready, or on the one that adds them.
///
/// **Errors.** get() throws what the job or the function threw; for a job, the exceptions that Job
/// describes. Errors pass by the continuations that take a value, up to one that takes the future.
///
/// @tparam T type of the result, or void
template <typename T>
class Future {
 public:
  /// Makes an empty future. Only valid(), and assigning to it, are allowed.
  Future() = default;
  /// Used by the SDK.
  /// @param state what the copies share
  explicit Future(std::shared_ptr<client::FutureState<T>> state) : state_(std::move(state)) {}

  /// @return whether it is not empty
  bool valid() const { return state_ != nullptr; }

  /// Whether get() would return or throw at once. Does not block.
  /// @return whether there is a value or an error
  bool ready() const { return state()->ready(); }

  /// Blocks until there is a value or an error. Throws neither.
  /// @throws std::logic_error on a thread of the SDK that receives results
  void wait() const { state()->wait(std::nullopt); }

  /// The same, for a while.
  /// @param timeout how long to wait at most
  /// @return whether there is a value or an error
  bool wait_for(std::chrono::milliseconds timeout) const { return state()->wait(timeout); }

  /// Blocks until there is a value, and returns a copy of it. It may be called again.
  /// @return the value
  /// @throws what the job or the function threw; std::invalid_argument when a result is of another
  ///         type
  T get() const& {
    if constexpr (std::is_void_v<T>)
      state()->settle();
    else
      return state()->copy();
  }

  /// The same for a future that is used for the last time, such as `client.call<T>(...).get()`: the
  /// value is moved out if nothing else refers to the future.
  /// @return the value
  T get() && {
    if constexpr (std::is_void_v<T>)
      state()->settle();
    else
      return state().use_count() == 1 ? state()->take() : state()->copy();
  }

  /// Asks to cancel what it waits for: the job, or all the jobs behind it. Returns at once; get()
  /// throws when the cancellation is complete. A function that runs already is not interrupted.
  void cancel() const { state()->cancel(); }

  /// Calls a function when the value is there, and gives what it returns as another future.
  /// @tparam F a callable that takes the value (`const T&`, or nothing for void), and is then
  /// called
  ///         only when there is one; or one that takes the `Future<T>`, which is ready then, and is
  ///         called in any case. When it returns a `Future<U>`, the result is a `Future<U>`.
  /// @param function called once, where continuations run
  /// @return a future of what `function` returns or throws, or of the error that passed it by
  template <typename F>
  auto then(F function) const {
    using U = client::Continued<F, T>;
    auto next = std::make_shared<client::FutureState<U>>(state()->queue());
    next->on_cancel([weak = std::weak_ptr(state_)] {
      if (const auto before = weak.lock()) before->cancel();
    });
    auto call = std::make_shared<F>(std::move(function));
    auto before = state_;
    before->on_ready([before, next, call] {
      const std::exception_ptr error = before->error();
      if (error && client::takes_value<F, T>()) {
        next->fail(error);
        return;
      }
      client::set_from(next, [&] { return client::continued(*call, before); });
      before->read();
    });
    return Future<U>(std::move(next));
  }

  /// @cond
  class Awaiter;
  struct promise_type;
  /// @endcond

  /// `co_await future` suspends a coroutine until there is a value or an error, and gives a copy of
  /// the value or throws the error. The coroutine is resumed where continuations run. A coroutine
  /// whose type is Future<T> starts at once, on the thread that calls it; its future belongs to no
  /// client.
  ///
  /// g++ 12 (Debian 12's) destroys braced objects inside a `co_await` expression wrongly: write
  /// `auto job = client.submit("f", Whole{x}, {.name = "n"});` on a line of its own, then
  /// `co_await job`.
  /// @return what the language needs
  Awaiter operator co_await() const { return Awaiter(state()); }

  /// Used by the SDK.
  /// @return what the copies share
  /// @throws std::logic_error when the future is empty
  const std::shared_ptr<client::FutureState<T>>& state() const {
    if (!state_)
      throw std::logic_error("this quern::Future is empty; use one that the SDK returned");
    return state_;
  }

 private:
  std::shared_ptr<client::FutureState<T>> state_;
};

/// The first of several futures that is ready; see when_any().
/// @tparam T type of their results
template <typename T>
struct First {
  std::size_t index = 0;  ///< which of them, counted from 0
  Future<T> future;       ///< the future, which is ready
};

/// A future that is ready at once.
/// @tparam T type of the value
/// @param value the value
/// @return the future; it belongs to no client
template <typename T>
Future<std::decay_t<T>> ready_future(T&& value) {
  auto state = std::make_shared<client::FutureState<std::decay_t<T>>>(nullptr);
  state->set(std::forward<T>(value));
  return Future<std::decay_t<T>>(std::move(state));
}

/// @cond
namespace client {

template <typename T, typename F>
void set_from(const std::shared_ptr<FutureState<T>>& state, F&& call) {
  try {
    using R = decltype(call());
    if constexpr (IsFuture<R>::value) {
      const R inner = call();
      state->on_cancel([weak = std::weak_ptr(inner.state())] {
        if (const auto inner_state = weak.lock()) inner_state->cancel();
      });
      inner.state()->on_ready([from = inner.state(), state] {
        if (const auto error = from->error())
          state->fail(error);
        else
          state->set(from->copy());
      });
    } else if constexpr (std::is_void_v<R>) {
      call();
      state->set(Nothing{});
    } else {
      state->set(call());
    }
  } catch (...) {
    state->fail(std::current_exception());
  }
}

/// The queue of the first future that has one.
template <typename... S>
std::shared_ptr<CallbackQueue> queue_of(const S&... states) {
  std::shared_ptr<CallbackQueue> queue;
  ((queue = queue ? queue : states->queue()), ...);
  return queue;
}

/// Calls `ended(i)` when future i has a value, and fails `all` when one fails.
template <typename T, typename A>
void gather(const std::vector<Future<T>>& futures, const std::shared_ptr<FutureState<A>>& all,
            const std::function<void()>& complete) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(futures.size());
  for (const auto& future : futures) {
    future.state()->on_ready([state = future.state(), all, left, complete] {
      if (const auto error = state->error())
        all->fail(error);
      else if (--*left == 0)
        complete();
    });
  }
}

template <typename T, typename A>
void cancel_all(const std::shared_ptr<FutureState<A>>& all, const std::vector<Future<T>>& futures) {
  std::vector<std::weak_ptr<FutureState<T>>> states;
  for (const auto& future : futures) states.emplace_back(future.state());
  all->on_cancel([states = std::move(states)] {
    for (const auto& weak : states)
      if (const auto state = weak.lock()) state->cancel();
  });
}

}  // namespace client
/// @endcond

/// Waits for all of several futures.
/// @tparam T type of their results; for void, the result is a Future<void>
/// @param futures the futures, none of them empty; no futures are ready at once
/// @return a future of all values, in their order. When one of the futures fails, it fails with the
///         error of the first that does, at once; the others go on (Future::cancel() ends them).
template <typename T>
auto when_all(std::vector<Future<T>> futures) {
  using All = std::conditional_t<std::is_void_v<T>, void, std::vector<client::Held<T>>>;
  auto queue = futures.empty() ? nullptr : futures.front().state()->queue();
  auto all = std::make_shared<client::FutureState<All>>(std::move(queue));
  client::cancel_all(all, futures);
  if (futures.empty()) {
    all->set({});
    return Future<All>(std::move(all));
  }
  const auto held = std::make_shared<std::vector<Future<T>>>(std::move(futures));
  client::gather(*held, all, [held, all] {
    client::set_from(all, [&]() -> All {
      if constexpr (!std::is_void_v<T>) {
        All values;
        values.reserve(held->size());
        for (const auto& future : *held) values.push_back(future.get());
        return values;
      }
    });
  });
  return Future<All>(std::move(all));
}

/// Waits for several futures of different types.
/// @tparam T types of their results; void becomes std::monostate
/// @param futures the futures, none of them empty
/// @return a future of all values, in their order; errors as for a list of futures
template <typename... T>
requires(sizeof...(T) > 0) auto when_all(Future<T>... futures) {
  const auto plain = []<typename U>(const Future<U>& future) {
    return future.then([](const client::Held<U>&) {});
  };
  const auto nothing = [](const Future<void>& future) { return future.then([] {}); };
  const auto done = [&]<typename U>(const Future<U>& future) -> Future<void> {
    if constexpr (std::is_void_v<U>)
      return nothing(future);
    else
      return plain(future);
  };
  const auto value_of = []<typename U>(const Future<U>& future) {
    if constexpr (std::is_void_v<U>)
      return std::monostate{};
    else
      return future.get();
  };
  std::vector<Future<void>> ends{done(futures)...};
  using Values = std::tuple<std::conditional_t<std::is_void_v<T>, std::monostate, T>...>;
  return when_all(std::move(ends)).then([value_of, futures...] {
    return Values(value_of(futures)...);
  });
}

/// Waits for the first of several futures.
/// @tparam T type of their results
/// @param futures the futures, at least one, none of them empty
/// @return a future of the first one that is ready, with a value or with an error: First::future
///         throws it. It fails by itself only when there are no futures, with
///         std::invalid_argument. The others go on.
template <typename T>
Future<First<T>> when_any(std::vector<Future<T>> futures) {
  auto queue = futures.empty() ? nullptr : futures.front().state()->queue();
  auto any = std::make_shared<client::FutureState<First<T>>>(std::move(queue));
  if (futures.empty())
    any->fail(std::make_exception_ptr(std::invalid_argument("when_any() of no futures")));
  client::cancel_all(any, futures);
  for (std::size_t i = 0; i < futures.size(); ++i)
    futures[i].state()->on_ready([any, i, state = futures[i].state()] {
      any->set({i, Future<T>(state)});
    });
  return Future<First<T>>(std::move(any));
}

/// Waits for the end of all of several jobs.
/// @param jobs the jobs
/// @return a future of how they ended, in their order. It does not fail.
inline Future<std::vector<Outcome>> when_all(const std::vector<Job>& jobs) {
  std::vector<Future<Outcome>> ends;
  ends.reserve(jobs.size());
  for (const Job& job : jobs) ends.push_back(job.outcome());
  return when_all(std::move(ends));
}

/// @cond
template <typename T>
class Future<T>::Awaiter {
 public:
  explicit Awaiter(std::shared_ptr<client::FutureState<T>> state) : state_(std::move(state)) {}
  bool await_ready() const { return state_->done(); }
  void await_suspend(std::coroutine_handle<> waiting) const {
    // The coroutine, and with it this object, may be gone before on_ready() returns.
    const auto state = state_;
    state->on_ready([waiting] { waiting.resume(); });
  }
  T await_resume() const { return Future<T>(state_).get(); }

 private:
  std::shared_ptr<client::FutureState<T>> state_;
};

namespace client {

template <typename T>
struct CoroutineResult {
  std::shared_ptr<FutureState<T>> state = std::make_shared<FutureState<T>>(nullptr);
  template <typename U>
  void return_value(U&& value) {
    state->set(std::forward<U>(value));
  }
};
template <>
struct CoroutineResult<void> {
  std::shared_ptr<FutureState<void>> state = std::make_shared<FutureState<void>>(nullptr);
  void return_void() { state->set({}); }
};

}  // namespace client

template <typename T>
struct Future<T>::promise_type : client::CoroutineResult<T> {
  Future<T> get_return_object() { return Future<T>(this->state); }
  std::suspend_never initial_suspend() const noexcept { return {}; }
  std::suspend_never final_suspend() const noexcept { return {}; }
  void unhandled_exception() { this->state->fail(std::current_exception()); }
};

template <typename T>
Future<T> Job::future() const {
  return Future<T>(std::make_shared<client::JobFuture<T>>(*this, [](const Job& job) {
    if constexpr (std::is_void_v<T>) {
      job.each([](std::uint64_t, BytesView) {});
      return client::Nothing{};
    } else {
      return job.get<T>();
    }
  }));
}

template <typename T>
Future<std::vector<T>> Job::future_all() const {
  return Future<std::vector<T>>(std::make_shared<client::JobFuture<std::vector<T>>>(
      *this, [](const Job& job) { return job.get_all<T>(); }));
}

inline Future<Outcome> Job::outcome() const {
  return Future<Outcome>(std::make_shared<client::JobFuture<Outcome>>(
      *this, [](const Job& job) { return job.wait(); }));
}
/// @endcond

}  // namespace quern
