/// @file
/// Identifiers of jobs. A job has two: a UUID that its client makes, so that a repeated submission
/// is the same job, and a number that the broker assigns, for people.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace quern {

/// A 128-bit identifier made by a client. Equal UUIDs mean the same job, however often it is
/// submitted. A plain value: any thread may use its own copy.
struct Uuid {
  /// The 16 bytes, in the order in which text() prints them.
  std::array<std::uint8_t, 16> bytes{};

  /// Compares byte by byte.
  /// @return the order of the two UUIDs
  auto operator<=>(const Uuid&) const = default;

  /// @return whether all bytes are 0, which stands for "no UUID"
  bool is_nil() const { return *this == Uuid{}; }

  /// @return the UUID as 36 characters: lower-case hexadecimal digits in groups of 8-4-4-4-12
  ///         (RFC 9562, section 4)
  std::string text() const;

  /// Makes a random UUID (version 4 of RFC 9562) from the random source of the system. Any thread.
  /// @return a UUID that is different from every other one in practice
  /// @note Aborts the process when the system has no random source: no safe UUID exists then.
  static Uuid random();
};

/// The number that a broker gives to a job. It counts from 1 and is never reused within a store; 0
/// means "not known yet". Make one from an integer with `JobNumber{12}`.
enum class JobNumber : std::uint64_t {};

/// @param n a job number
/// @return the number as an integer
constexpr std::uint64_t value(JobNumber n) { return static_cast<std::uint64_t>(n); }

}  // namespace quern

/// Hash of a UUID, for unordered containers. The steps and the 64-bit prime are those of FNV-1a
/// (http://www.isthe.com/chongo/tech/comp/fnv/); the start value is arbitrary. All bytes are mixed,
/// because a client may choose them, so they cannot be relied on to be random.
template <>
struct std::hash<quern::Uuid> {
  /// @param u the UUID to hash
  /// @return its hash
  std::size_t operator()(const quern::Uuid& u) const noexcept {
    std::uint64_t h = 1469598103934665603ULL;
    for (auto byte : u.bytes) h = (h ^ byte) * 1099511628211ULL;
    return static_cast<std::size_t>(h);
  }
};
