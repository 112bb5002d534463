// Limits on everything that is received. PROTOCOL.md, "Limits", lists the same numbers; change both
// together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quern/version.hpp"

namespace quern::wire {

inline constexpr std::uint32_t kProtocolVersion = quern::kProtocolNewest;
inline constexpr std::uint32_t kProtocolOldest = quern::kProtocolOldest;

/// All batch parts of one message together, unless the message contains a single item.
inline constexpr std::size_t kBatchBytesMax = 1u << 20;
/// Tasks in one batch with bytes; bounds the sizes column (256 KiB of the 1 MiB).
inline constexpr std::uint64_t kBatchTasksMax = 65'536;
/// Size of one item, whole input, result or common input.
inline constexpr std::size_t kItemBytesMax = 64u << 20;
/// Size of the header part of any message.
inline constexpr std::size_t kHeaderBytesMax = 256u << 10;
/// Size of any part (ZMQ_MAXMSGSIZE).
inline constexpr std::int64_t kPartBytesMax = static_cast<std::int64_t>(kItemBytesMax);
inline constexpr std::size_t kPartsMax = 5;
inline constexpr std::size_t kNameBytesMax =
    255;  ///< names of functions, jobs, workers, reducers, labels
inline constexpr std::size_t kTextBytesMax =
    4096;  ///< error texts and reasons; the sender truncates longer ones
inline constexpr std::size_t kScheduleNameBytesMax = 100;
inline constexpr std::size_t kListMax = 10'000;  ///< entries of any list in a header
inline constexpr std::uint32_t kAttemptsMax = 1000;
inline constexpr std::uint64_t kTasksMax = 1ULL << 62;  ///< N of a job
inline constexpr std::uint32_t kSlotsMax = 4096;
inline constexpr std::uint64_t kTimeoutMsMax =
    1'000'000'000'000;  ///< 31 years, so that sums of times fit 64 bits
inline constexpr std::uint64_t kWallMsMax =
    7'258'118'400'000;  ///< the year 2200, as calendar::kLatest
inline constexpr std::uint64_t kTtlMax = 100ULL * 366 * 86'400;  ///< seconds: a hundred years
/// The names and values of a job's metadata together: they travel in one header with the rest.
inline constexpr std::size_t kMetadataBytesMax = 16u << 10;
/// Nested jobs: how deep, how many unfinished ones a job has, how many of its leases wait for them.
inline constexpr std::uint32_t kNestingDepthMax = 16;
inline constexpr std::size_t kChildrenMax = 10'000;
inline constexpr std::size_t kWaitingLeasesMax = 256;
inline constexpr double kRealMax = 1e18;  ///< magnitude of any real
inline constexpr std::size_t kIdentityBytesMax =
    4096;                                            ///< what a named reducer makes of no results
inline constexpr std::size_t kPluginsMax = 32;       ///< libraries that a worker names
inline constexpr std::size_t kPluginBytesMax = 512;  ///< length of the name of one
inline constexpr std::size_t kDepthMax = 16;         ///< nesting of a header; ANSWER needs 6

/// Default credits, in bytes.
inline constexpr std::uint64_t kResultWindow =
    8u << 20;  ///< unconsumed result bytes per job that a client takes
inline constexpr std::uint64_t kSessionResults =
    64u << 20;  ///< unconsumed result bytes of all jobs of one session
inline constexpr std::uint64_t kReportWindow = 32u
                                               << 20;  ///< unacknowledged report bytes per worker
inline constexpr std::uint64_t kWorkerCredit = 64u << 20;  ///< payload bytes leased to one worker

}  // namespace quern::wire
