// How much may be under way at the same time.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace quern::gateway {

/// Counts what holds a place. Any thread; places may outlive this object.
class Places {
 public:
  explicit Places(std::size_t most) : most_(most) {}

  /// Held for as long as it exists.
  class Place {
   public:
    explicit Place(std::shared_ptr<std::atomic<std::size_t>> taken) : taken_(std::move(taken)) {}
    Place(Place&&) = default;
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (taken_) --*taken_;
    }

   private:
    std::shared_ptr<std::atomic<std::size_t>> taken_;
  };

  /// Nothing if all places are taken.
  std::optional<Place> take() {
    if (taken_->fetch_add(1) < most_) return Place(taken_);
    --*taken_;
    return std::nullopt;
  }

 private:
  const std::size_t most_;
  const std::shared_ptr<std::atomic<std::size_t>> taken_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace quern::gateway
