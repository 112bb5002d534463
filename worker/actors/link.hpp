// The link actor: the thread of run() owns the connection and the core, and is the only caller of
// both. Slots post to its mailbox. In each turn it reads everything that has arrived, passes it to
// the core, and carries out the core's effects.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <variant>
#include <vector>
#include <zmq.hpp>

#include "link/connection.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/signals.hpp"
#include "worker/actors/capacity.hpp"
#include "worker/actors/slot.hpp"
#include "worker/core/worker_core.hpp"

namespace quern::worker {

/// Writes a chunk of a blob (after the last, the whole must have its name as hash); an error's
/// text, or nothing.
using KeepBlobFile = std::function<std::string(const std::string& name, std::uint64_t chunk,
                                               bool last, BytesView bytes)>;
/// Blobs whose files were found to be changed since the last call.
using GoneBlobFiles = std::function<std::vector<std::string>()>;
using DropBlobFile = std::function<void(const std::string& name)>;

struct LinkOptions {
  std::string endpoint;
  link::Access access;
  Config config;
  double cpu_share = 1;
  KeepBlobFile keep_blob = nullptr;  ///< with Config::keeps_blobs; on the link's thread
  DropBlobFile drop_blob = nullptr;
  GoneBlobFiles gone_blobs = nullptr;
};

/// How run() ended. `abandoned`: a function still runs, and its thread cannot be joined.
struct LinkEnd {
  int exit_code = 0;
  std::string text;
  bool abandoned = false;
};

class Link {
 public:
  /// `functions` must outlive the link and not change.
  Link(LinkOptions options, const Functions& functions);
  /// Waits for running slots (see LinkEnd::abandoned).
  ~Link();

  /// Runs until the worker has left. `signals`, if any: a stop signal drains, a second one ends at
  /// once. Throws zmq::error_t or std::invalid_argument for an invalid endpoint.
  LinkEnd run(runtime::StopSignals* signals);

  /// Any thread: acts like a stop signal.
  void request_stop() { mailbox_.post(StopRequest{}); }
  /// Any thread: whether a session is open.
  bool connected() const { return connected_.load(std::memory_order_relaxed); }

 private:
  struct SlotReport {
    SlotId slot{};
    wire::Report report;
  };
  struct SlotDone {  // one message: it wakes the link once
    SlotId slot{};
    std::vector<wire::Report> last;
  };
  struct SlotSaid {
    SlotId slot{};
    Children::Said message;
  };
  struct StopRequest {};
  using News = std::variant<SlotReport, SlotDone, SlotSaid, StopRequest>;

  /// The link's view of a slot.
  struct Place {
    std::unique_ptr<Slot> slot;
    std::shared_ptr<Run> run;  // null: free
    bool fenced = false;       // its last report was made here
    std::uint64_t claims_seen = 0;
  };

  /// There is one place more than slots for each task that waits for a nested job.
  void add_place();
  void wait(runtime::StopSignals* signals);
  std::chrono::milliseconds patience() const;
  void read_connection();
  void read_mailbox();
  void look_at_connection();
  /// Logs why there is no broker, once.
  void tell(const std::string& trouble);
  void watch_slots();
  void give_up_call(SlotId id, Place& place, wire::Interval tasks);
  void look_at_machine();
  void carry_out();
  void close();

  void act(HangUp&);
  void act(Reopen&);
  void act(Send&);
  void act(StartRun&);
  void act(CutRun&);
  void act(EndRun&);
  void act(CancelRun&);
  void act(TellTask&);
  void act(KeepBlob&);
  void act(DropBlob&);
  void act(Note&);
  void act(Finished&);
  /// The run of that lease on that slot; null if the slot runs another lease.
  Run* run_of(SlotId slot, const wire::LeaseId& lease);

  const Functions& functions_;
  double cpu_share_;
  KeepBlobFile keep_blob_;
  DropBlobFile drop_blob_;
  GoneBlobFiles gone_blobs_;
  zmq::context_t context_;
  link::Connection connection_;
  link::LinkState seen_ = link::LinkState::connecting;
  std::string told_;      // the last logged reason for the missing connection
  std::string lost_why_;  // a send failed while effects were carried out
  runtime::Poller poller_;
  runtime::Mailbox<News> mailbox_;
  std::vector<News> news_;
  WorkerCore core_;
  Effects effects_;
  CapacityProbe probe_;
  Clock::time_point now_ = Clock::now();
  Clock::time_point probed_at_;
  Clock::time_point watched_at_;
  std::optional<LinkEnd> end_;
  std::atomic<bool> connected_{false};
  std::vector<Place> places_;  // last: the slots' threads post to what is above
};

}  // namespace quern::worker
