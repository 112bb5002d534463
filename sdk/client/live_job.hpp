// One job in the client core, from its command until everything was delivered. Pure data with its
// own rules.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "client/effects.hpp"
#include "client/input_ledger.hpp"
#include "wire/input_digest.hpp"

namespace quern::client {

/// The input that this client would have sent, as counts and a digest.
struct OwnInput {
  wire::InputDigest digest;
  std::uint64_t count = 0;

  void add(const wire::Batch& batch) {
    digest.add(batch);
    count += batch.count();
  }
};

struct LiveJob {
  // submitting: SUBMIT is not acknowledged. attaching: ATTACH is not answered. live: the broker has
  // it. comparing: a job with its key exists, and its input is read to be compared. ended: it is
  // final.
  enum class Stage : std::uint8_t { submitting, comparing, attaching, live, ended };
  // owner: acknowledging frees results. detached: the same, but only after everything was read,
  // because others may read it too. guest: another client's job.
  enum class Standing : std::uint8_t { owner, detached, guest };
  // reading: somebody holds a handle. gone: no handle is left; results are discarded.
  enum class Reader : std::uint8_t { reading, gone };
  enum class CancelAll : std::uint8_t { no, due, sent };

  JobKey key{};
  Stage stage = Stage::submitting;
  Standing standing = Standing::owner;
  Reader reader = Reader::reading;

  Uuid uuid;  // nil while attaching by number
  JobNumber number{};
  std::uint64_t token = 0;             // of ATTACH
  std::optional<wire::Submit> submit;  // until acknowledged
  std::uint64_t submits_sent = 0;
  bool existing = false;          // another submission with its idempotency key made it
  bool attach_due = false;        // the settings of watch() must be sent after SUBMIT
  std::uint64_t incarnation = 0;  // of the broker that accepted it, or to which it was sent
  bool has_store = false;         // whether that broker has a store
  InputLedger input;
  bool told_taken = false;            // InputTaken was emitted
  bool asked_input = false;           // NeedInput was emitted
  std::optional<OwnInput> own_input;  // to be compared with the input of an existing job

  std::uint64_t window = wire::kResultWindow;
  std::uint32_t watch_ms = 0;
  std::uint64_t received = 0;  // result entries [0, received) were delivered
  std::uint64_t consumed = 0;  // and of them [0, consumed) may be acknowledged
  std::uint64_t acked = 0;     // ACK sent in this session
  std::uint64_t entries = 0;   // when ended: how many there are

  CancelAll cancel_all = CancelAll::no;
  wire::IntervalSet cancels;  // tasks to cancel that have not ended yet
  wire::IntervalSet cancels_unsent;

  bool unfinished() const { return stage != Stage::ended; }
  bool complete() const { return stage == Stage::ended && received >= entries; }
  bool frees() const {
    return standing == Standing::owner || (standing == Standing::detached && complete());
  }
};

}  // namespace quern::client
