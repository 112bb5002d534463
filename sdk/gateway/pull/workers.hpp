// The pull workers of the gateway: one for each key and each set of functions that is pulled.
#pragma once

#include <zmq.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "gateway/broker/sessions.hpp"
#include "gateway/pull/worker.hpp"

namespace quern::gateway::pull {

/// Who runs the tasks of a worker. For people, the broker grants them one by one, repeats nothing
/// and takes nothing back because it is slow.
enum class Who : unsigned char { programs, people };

class PullWorkers {
 public:
  explicit PullWorkers(const SessionOptions& options) : options_(options) {}

  /// The worker of this key that offers these functions, which are sorted; a new one if there is
  /// none. Null if there are too many.
  std::shared_ptr<PullWorker> worker_for(const Identity& who,
                                         const std::vector<std::string>& functions,
                                         Encoding encoding, Who who_runs = Who::programs);
  /// The worker of this number, if it belongs to this key and has not left.
  std::shared_ptr<PullWorker> find(const Identity& who, std::uint64_t number);
  Ticket next_ticket() { return Ticket{++last_ticket_}; }
  /// All leave the broker soon.
  void stop();

 private:
  using Key = std::tuple<std::string, std::vector<std::string>, Encoding, Who>;
  struct Entry {
    std::string owner;
    std::shared_ptr<PullWorker> worker;
  };
  void remove_left();

  const SessionOptions options_;
  std::atomic<std::uint64_t> last_ticket_{0};
  std::mutex mutex_;
  bool stopping_ = false;
  std::uint64_t last_number_ = 0;
  zmq::context_t context_;
  std::map<Key, std::uint64_t> numbers_;
  std::map<std::uint64_t, Entry> workers_;  ///< they use the context
};

}  // namespace quern::gateway::pull
