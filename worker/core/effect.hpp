// What the core requests. The link actor carries out effects in order, after everything that
// arrived was handled.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "wire/messages.hpp"
#include "worker/core/commons.hpp"
#include "worker/core/config.hpp"

namespace quern::worker {

/// Close the socket, if any.
struct HangUp {};

/// Open a new socket towards the broker. Answer: on_connected(), each time it connects.
struct Reopen {};

/// Send a message in the open session.
struct Send {
  wire::Envelope envelope;
};

/// Run a lease on a slot, which is idle. Answers: on_report() one or more times, the last with
/// `last`, then on_slot_free().
struct StartRun {
  SlotId slot{};
  wire::Lease lease;
  CommonInput common;
};

/// Cut up to `want` tasks that have not started from the end of what the slot runs. Answer:
/// on_cut(), at once.
struct CutRun {
  SlotId slot{};
  wire::LeaseId lease;
  std::uint64_t want = 0;
};

/// Start no more tasks of the slot's lease; report what was run. Answer: the last on_report().
struct EndRun {
  SlotId slot{};
  wire::LeaseId lease;
};

/// Fence the slot's lease, whose results are not needed any more. Answer: on_slot_free(), when the
/// function has returned.
struct CancelRun {
  SlotId slot{};
  wire::LeaseId lease;
};

/// Tell the task on this slot about a job that it has submitted: RESULTS, ERROR, or a final JOB.
struct TellTask {
  SlotId slot{};
  wire::LeaseId lease;
  wire::Message message;
};

/// Write a chunk of a blob; the first chunk starts it again; after the last one, its hash must
/// equal its name. Answer: on_blob_kept(), at once.
struct KeepBlob {
  std::string name;
  std::uint64_t chunk = 0;
  bool last = false;
  wire::Buffer bytes;
};

/// Delete a blob, also an incomplete one.
struct DropBlob {
  std::string name;
};

/// A line for the log.
struct Note {
  enum class Level : std::uint8_t { info, warning, error } level = Level::info;
  std::string text;
};

/// Flush sent messages, close, and exit with this code. The core emits nothing after this.
struct Finished {
  int exit_code = 0;
  std::string text;
};

using Effect = std::variant<HangUp, Reopen, Send, StartRun, CutRun, EndRun, CancelRun, TellTask,
                            KeepBlob, DropBlob, Note, Finished>;
using Effects = std::vector<Effect>;

}  // namespace quern::worker
