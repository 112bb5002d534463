// The input of one job on its way to the broker: every batch stays here until ACCEPTED covers it,
// so that a new session can continue from the broker's position. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "wire/batch.hpp"

namespace quern::client {

/// One APPEND to send.
struct Piece {
  std::uint64_t first = 0;
  wire::Batch batch;
  bool close = false;
  std::vector<float> costs;  ///< one per task of the batch, or none
};

class InputLedger {
 public:
  enum class Rest : std::uint8_t { comes, none };

  InputLedger() = default;
  /// `batch` is part of SUBMIT. Rest::comes: the job is open and append() will follow.
  InputLedger(const wire::Batch& batch, Rest rest);

  /// The next batch of the source (possibly empty, with Rest::none).
  void append(wire::Batch batch, Rest rest, std::vector<float> costs = {});
  /// Moves out the batches that were appended and not accepted, in order.
  std::vector<wire::Batch> take_kept();
  /// More will come.
  bool is_open() const { return end_ == End::open; }
  /// The source ended early (cancelled, refused): unsent input is dropped.
  void stop();

  /// The broker has tasks [0, accepted_to) and accepts `credit_to` bytes in total.
  void on_accepted(std::uint64_t accepted_to, std::uint64_t credit_to);
  /// A new session: everything that was not accepted must be sent again.
  void on_resumed(std::uint64_t accepted_to, std::uint64_t credit_to);

  /// The next APPEND that credit allows; it counts as sent.
  std::optional<Piece> next_piece();
  /// Whether there is credit for more, and more will come.
  bool wants_input() const;
  /// Whether the whole input was accepted.
  bool all_accepted() const { return end_ != End::open && end_ != End::due && kept_.empty(); }

  std::uint64_t tasks() const { return tasks_; }  ///< added so far
  std::uint64_t sent_to() const;  ///< tasks [0, sent_to) were sent in this session or accepted
  std::uint64_t accepted_to() const { return accepted_to_; }
  std::uint64_t credit_to() const { return credit_to_; }
  std::uint64_t sent_weight() const { return sent_weight_; }
  std::size_t kept() const { return kept_.size(); }
  /// Empty when all invariants hold.
  const char* broken() const;

 private:
  struct Kept {
    std::uint64_t first = 0;
    wire::Batch batch;
    std::vector<float> costs;
    std::uint64_t end() const { return first + batch.count(); }
  };
  // open: more will come. due: APPEND with `close` is to be sent. sent: it was. unneeded: SUBMIT
  // contained the whole input.
  enum class End : std::uint8_t { open, due, sent, unneeded };

  void trim();

  std::deque<Kept> kept_;   // contiguous, ends at tasks_
  std::size_t unsent_ = 0;  // kept_[unsent_...] were not sent in this session
  std::uint64_t tasks_ = 0;
  std::uint64_t accepted_to_ = 0;
  std::uint64_t credit_to_ = 0;
  std::uint64_t sent_weight_ = 0;  // of everything sent or accepted; what credit is compared with
  std::uint64_t accepted_weight_ = 0;  // of [0, accepted_to_)
  End end_ = End::unneeded;
};

}  // namespace quern::client
