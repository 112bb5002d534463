/// @file
/// The version of Quern, and what it promises. `CMakeLists.txt` reads the three macros below, so
/// this header is the only place where the version is written.
///
/// Quern follows semantic versioning (https://semver.org). A release is MAJOR.MINOR.PATCH. While
/// MAJOR is 0, MINOR takes the place of MAJOR: 0.2 may break what 0.1 promised, 0.1.1 may not.
///
/// | stable part | an addition raises | an incompatible change raises |
/// |---|---|---|
/// | public headers (`quern/*.hpp`): names, types, documented behaviour | MINOR | MAJOR |
/// | wire protocol: the range #quern::kProtocolOldest to #quern::kProtocolNewest | MINOR | MAJOR |
/// | store: a newer broker opens and upgrades the store of every older one | MINOR | MAJOR |
/// | command line: commands, options, exit codes, what `--json` prints | MINOR | MAJOR |
/// | plugin interface: #QUERN_PLUGIN_ABI in `quern/worker.hpp` | MINOR | MAJOR |
///
/// Details:
/// - *Headers.* Source compatibility only. The binary interface may change with every MINOR:
///   rebuild programs and plugins. Structs may get new fields at any place, so initialise them with
///   designated initialisers (`{.name = "x"}`). Enumerations may get new values.
/// - *Wire protocol.* Within a protocol version only keys and error words are added
///   (`sdk/wire/PROTOCOL.md`, "Versions"). A new protocol version raises #quern::kProtocolNewest
///   and MINOR; giving up an old one raises #quern::kProtocolOldest and MAJOR. Two programs can
///   talk when their ranges overlap.
/// - *Store.* A new schema version raises MINOR. The way back is not promised: an older broker
///   refuses a newer store and says so (`broker/STORE.md`).
/// - *`--json`.* Keys are added, never renamed or removed. Ignore unknown keys.
///
/// Not stable, and free to change in any release: text for people (tables, progress bars, error
/// texts, log lines), the namespaces `quern::detail` and `quern::client`, every header outside
/// `quern/`, scheduling decisions, benchmarks, and the tools `quern-sim` and `quern-chaos`.
#pragma once

#include <cstdint>
#include <string_view>

/// First number of the version. A change of it may break every stable part.
#define QUERN_VERSION_MAJOR 0
/// Second number of the version. It grows with additions; while MAJOR is 0, also with
/// incompatible changes.
#define QUERN_VERSION_MINOR 1
/// Third number of the version. It grows with corrections that change no interface.
#define QUERN_VERSION_PATCH 0

/// The version as one number that can be compared in an `#if`: 10000 * MAJOR + 100 * MINOR + PATCH.
/// MINOR and PATCH stay below 100. Example: `#if QUERN_VERSION_NUMBER >= 200` (0.2.0 or newer).
#define QUERN_VERSION_NUMBER \
  (QUERN_VERSION_MAJOR * 10000 + QUERN_VERSION_MINOR * 100 + QUERN_VERSION_PATCH)

/// @cond
#define QUERN_DETAIL_TEXT_(x) #x
#define QUERN_DETAIL_TEXT(x) QUERN_DETAIL_TEXT_(x)
/// @endcond

/// The version as a string literal, for example "0.1.0".
#define QUERN_VERSION_STRING             \
  QUERN_DETAIL_TEXT(QUERN_VERSION_MAJOR) \
  "." QUERN_DETAIL_TEXT(QUERN_VERSION_MINOR) "." QUERN_DETAIL_TEXT(QUERN_VERSION_PATCH)

namespace quern {

/// Version of the headers that this program was compiled with, for example "0.1.0".
inline constexpr std::string_view kVersion = QUERN_VERSION_STRING;

/// Newest version of the wire protocol that this release speaks.
inline constexpr std::uint32_t kProtocolNewest = 1;
/// Oldest version of the wire protocol that this release still speaks.
inline constexpr std::uint32_t kProtocolOldest = 1;

}  // namespace quern
