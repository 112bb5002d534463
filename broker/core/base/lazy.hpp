// Holders for values that most jobs never have. A million queued jobs wait in memory, so a job must
// not carry what it does not use yet.
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace quern::broker {

/// A value that costs only a pointer until somebody changes it; until then it reads as T{}.
template <typename T>
class Lazy {
 public:
  Lazy() = default;
  Lazy(T value)
      : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT(google-explicit-constructor)
  Lazy(const Lazy& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Lazy(Lazy&&) noexcept = default;
  Lazy& operator=(const Lazy& other) { return *this = Lazy(other); }
  Lazy& operator=(Lazy&&) noexcept = default;
  ~Lazy() = default;

  const T& operator*() const { return value_ ? *value_ : none(); }
  const T* operator->() const { return &**this; }
  /// For changing the value; it exists from now on.
  T& edit() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }
  bool exists() const { return value_ != nullptr; }

 private:
  static const T& none() {
    static const T empty{};
    return empty;
  }
  std::unique_ptr<T> value_;
};

/// Like std::optional, but costs only a pointer if it is empty.
template <typename T>
class Box {
 public:
  template <typename... A>
  T& emplace(A&&... arguments) {
    value_ = std::make_unique<T>(std::forward<A>(arguments)...);
    return *value_;
  }
  Box& operator=(std::optional<T> value) {
    if (value)
      emplace(std::move(*value));
    else
      reset();
    return *this;
  }
  std::optional<T> optional() const { return value_ ? std::optional<T>(*value_) : std::nullopt; }
  void reset() { value_.reset(); }
  explicit operator bool() const { return value_ != nullptr; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace quern::broker
