// What clients hold: the batches that were granted to them, by token. A batch has one lock. It is
// remembered for a while after its last task has ended, so that a request that is repeated gets the
// same answer. Invariant: each task of a batch is in exactly one state, and `locked` counts those
// that are locked.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/pull/core_types.hpp"

namespace quern::gateway::pull {

enum class TaskState : std::uint8_t {
  locked,     ///< the client has it
  completed,  ///< the client sent a result
  failed,     ///< the client sent an error
  released,   ///< the client gave it back
  expired,    ///< the lock ended first
  cancelled   ///< the broker withdrew it
};

/// Neighbouring tasks of one lease.
struct Piece {
  wire::LeaseId lease;
  wire::Interval tasks;
};

struct Batch {
  BatchId id{};
  std::string token;
  std::string request_id;
  std::string worker;
  std::vector<Piece> pieces{};
  std::vector<TaskState> states{};  ///< one per task, in the order of `pieces`
  std::size_t locked = 0;
  Duration lock{};
  Time limit = Time::max();       ///< the time limits of its tasks; the lock cannot be longer
  Time due{};                     ///< locked: the lock ends; otherwise it is forgotten
  std::vector<Ticket> answers{};  ///< that may or may not have reached the client
  bool delivered = false;         ///< one of them has
  std::size_t unreported = 0;     ///< reports about it that the broker has not acknowledged
  std::vector<Ticket> waiting{};  ///< requests that wait for these acknowledgements

  /// Calls visit(piece, task, state) for the named task, or for all.
  template <typename Visit>
  void each(std::optional<std::size_t> named, Visit visit) {
    std::size_t place = 0;
    for (const Piece& piece : pieces) {
      const std::size_t size = piece.tasks.size();
      if (!named || (*named >= place && *named < place + size)) {
        const std::size_t first = named ? *named - place : 0;
        const std::size_t last = named ? first + 1 : size;
        for (std::size_t i = first; i < last; ++i)
          visit(piece, piece.tasks.begin + i, states[place + i]);
      }
      place += size;
    }
  }
  std::size_t count(std::optional<std::size_t> named, TaskState state) const;
};

class Batches {
 public:
  Batch& add(const Pull& pull, Time now);
  Batch* find(BatchId id);
  Batch* find(const std::string& token);
  /// The batch with locked tasks that answered this request.
  Batch* find_request(const std::string& request_id);
  /// The ticket is answered with the batch.
  void note_answer(Batch& batch, Ticket ticket);
  /// What became of that answer is known now; the batch, if it is still remembered.
  Batch* take_answer(Ticket ticket);
  /// Sets the end of the lock, or when the batch is forgotten.
  void set_due(Batch& batch, Time due);
  /// Nothing of it is locked any more: it is remembered for a while.
  void retire(Batch& batch, Time now);
  void erase(BatchId id);

  /// The first batch that is due by now, if any.
  Batch* next_due(Time now);
  std::optional<Time> next_deadline() const;
  const std::unordered_map<BatchId, Batch>& all() const { return batches_; }

 private:
  std::unordered_map<BatchId, Batch> batches_;
  std::unordered_map<std::string, BatchId> by_token_;
  std::unordered_map<std::string, BatchId> by_request_;
  std::unordered_map<Ticket, BatchId> by_answer_;
  std::set<std::pair<Time, BatchId>> due_;
  std::set<BatchId> retired_;
  std::uint64_t last_ = 0;
};

}  // namespace quern::gateway::pull
