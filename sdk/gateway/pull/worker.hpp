// The actor around the core: one thread that owns the connection to the broker, the core, and the
// requests that wait for an answer. To the broker it is one worker.
#pragma once

#include <zmq.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "gateway/http/exchange.hpp"
#include "gateway/pull/core.hpp"
#include "gateway/pull/mailbox.hpp"
#include "link/connection.hpp"

namespace quern::gateway::pull {

/// What a request of a client says about the tasks of a token.
struct Complete {
  std::vector<Bytes> results;
};
struct Fail {
  std::string text;
  bool permanent = false;
};
struct Release {};
struct Extend {
  Duration lock{};
};
using Statement = std::variant<Complete, Fail, Release, Extend>;

struct WorkerOptions {
  std::uint64_t number = 0;  ///< the first part of its tokens
  std::string endpoint;
  link::Access access;
  Config config;
  Encoding encoding = Encoding::raw;  ///< of the results of its functions
  bool uuids = false;                 ///< its clients are told the UUIDs of jobs
};

class PullWorker : public std::enable_shared_from_this<PullWorker> {
 public:
  /// Starts the thread. `context` must outlive the worker.
  PullWorker(zmq::context_t& context, WorkerOptions options);
  /// Leaves the broker, which may take two seconds, unless it has left.
  ~PullWorker();
  PullWorker(const PullWorker&) = delete;
  PullWorker& operator=(const PullWorker&) = delete;

  // Any thread. The exchange is answered later. False if the worker has left the broker.
  bool pull(const std::shared_ptr<Exchange>& exchange, Pull pull);
  bool say(const std::shared_ptr<Exchange>& exchange, Ticket ticket, Named named,
           Statement statement);
  /// Leaves the broker soon.
  void stop();
  bool over() const { return over_; }
  Encoding encoding() const { return encoding_; }

 private:
  struct Asked {
    std::shared_ptr<Exchange> exchange;
    Pull pull;
  };
  struct Said {
    std::shared_ptr<Exchange> exchange;
    Ticket ticket{};
    Named named;
    Statement statement;
  };
  struct Outcome {
    Ticket ticket{};
    bool written = false;
  };
  struct Stop {};
  using News = std::variant<Asked, Said, Outcome, Stop>;

  void run();
  void wait();
  void read_connection();
  void look_at_connection();
  void read_mailbox();
  void take(News& news);
  void carry_out();
  void answer(Ticket ticket, Response response);

  void act(HangUp&);
  void act(Reopen&);
  void act(Send&);
  void act(Granted&);
  void act(Counted&);
  void act(Extended&);
  void act(Rejected&);
  void act(Finished&);

  const std::uint64_t number_;
  const Encoding encoding_;
  const bool uuids_;
  Mailbox<News> mailbox_;
  link::Connection connection_;
  link::LinkState seen_ = link::LinkState::connecting;
  runtime::Poller poller_;
  PullCore core_;
  Time now_;
  Effects effects_;
  std::vector<News> news_;
  std::unordered_map<Ticket, std::shared_ptr<Exchange>> exchanges_;
  std::string lost_why_;  ///< a send failed while effects were carried out
  bool ended_ = false;
  std::atomic<bool> over_{false};
  std::thread thread_;  ///< last: it uses what is above
};

}  // namespace quern::gateway::pull
