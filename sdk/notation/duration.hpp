// Durations as options accept them and as people read them. Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quern::notation {

/// Limit of options in seconds, about thirty years, so that the sum of several such times does not
/// overflow a clock that counts nanoseconds.
inline constexpr double kSecondsMax = 1e9;

/// What happens to fractions of a millisecond.
enum class Rounding { down, nearest, up };

/// `seconds` must be within [-kSecondsMax, kSecondsMax].
std::chrono::milliseconds milliseconds_of(double seconds, Rounding rounding);

/// Converts microseconds of a status to seconds.
constexpr double seconds_of_us(std::uint64_t us) { return static_cast<double>(us) / 1e6; }

/// Parses a number of seconds, or a number with a unit: "90", "15m", "1.5h", "2d", "10s". Nothing
/// if the text has another form. Signs, exponents and blanks are refused.
std::optional<double> seconds_in(std::string_view text);

/// For columns: 0.12 us, 850 us, 12 ms, 3.4 s, 2m05s, 3h07m, 4d02h. "-" if negative, "?" if it is
/// not a meaningful number.
std::string short_duration(double seconds);
inline std::string short_duration_us(std::uint64_t us) { return short_duration(seconds_of_us(us)); }

/// For sentences, and more precise: 25 us, 350 ms, 2.003 s, 4 min 10 s, 2 h 5 min, 3 days 0 h.
std::string long_duration(double seconds);

}  // namespace quern::notation
