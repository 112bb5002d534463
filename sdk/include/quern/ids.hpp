// Strong identifiers. A job has two: a UUID made by its client (idempotency) and a number given by
// the broker (people).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace quern {

/// 128-bit identifier made by a client; equal UUIDs mean the same job, however often it is
/// submitted.
struct Uuid {
  std::array<std::uint8_t, 16> octets{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }

  /// 8-4-4-4-12 lower-case hexadecimal.
  std::string text() const;
  /// A random (version 4) UUID from the system's random source. Any thread.
  static Uuid random();
};

/// The number a broker gives a job, counted from 1 and never reused within a store; 0 means "not
/// known yet".
enum class JobNumber : std::uint64_t {};

constexpr std::uint64_t value(JobNumber n) { return static_cast<std::uint64_t>(n); }

}  // namespace quern

template <>
struct std::hash<quern::Uuid> {
  std::size_t operator()(const quern::Uuid& u) const noexcept {
    // FNV-1a: a client chooses these bytes, so do not rely on their being random.
    std::uint64_t h = 1469598103934665603ULL;
    for (auto octet : u.octets) h = (h ^ octet) * 1099511628211ULL;
    return static_cast<std::size_t>(h);
  }
};
