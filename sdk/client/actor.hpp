// The thread of a client that owns its DEALER and its core. All other threads use the outbox.
#pragma once

#include <chrono>
#include <memory>
#include <thread>
#include <unordered_map>
#include <zmq.hpp>

#include "client/core.hpp"
#include "client/outbox.hpp"
#include "link/connection.hpp"

namespace quern::client {

class ClientActor {
 public:
  /// Starts the thread.
  ClientActor(CoreOptions options, link::Access access, std::shared_ptr<Outbox> outbox);
  /// Says BYE and ends the thread, within a second.
  ~ClientActor();
  ClientActor(const ClientActor&) = delete;
  ClientActor& operator=(const ClientActor&) = delete;

 private:
  struct JobEntry {
    std::shared_ptr<JobSink> sink;
    std::shared_ptr<InputQueue> input;
  };
  enum class Life : std::uint8_t { running, stopping };

  void run();
  void wait();
  void read_commands();
  void read_messages();
  void look_at_connection();
  /// Carries out all effects, including those that result from carrying out others.
  void apply();
  void send_piggybacked();

  void on(SubmitCommand command);
  void on(AttachCommand command);
  void on(InputReadyCommand command);
  void on(CancelCommand command);
  void on(ConsumedCommand command);
  void on(WantCommand command);
  void on(AbandonCommand command);
  void on(WatchCommand command);
  void on(ShowProgressCommand command);
  void on(AskCommand command);
  void on(StopCommand command);

  void carry_out(Send effect);
  void carry_out(Reopen effect);
  void carry_out(Accepted effect);
  void carry_out(InputTaken effect);
  void carry_out(NeedInput effect);
  void carry_out(Comparing effect);
  void carry_out(Deliver effect);
  void carry_out(Status effect);
  void carry_out(Ended effect);
  void carry_out(Forget effect);
  void carry_out(Answered effect);

  void give_input(JobKey job);
  void drop(JobKey job);
  JobEntry* find(JobKey job);

  const std::shared_ptr<Outbox> outbox_;
  zmq::context_t context_;
  link::Connection connection_;
  ClientCore core_;
  runtime::Poller poller_;
  link::LinkState link_ = link::LinkState::connecting;
  std::unordered_map<JobKey, JobEntry> jobs_;
  std::unordered_map<std::uint64_t, std::shared_ptr<std::promise<Reply>>> asks_;
  std::vector<Command> commands_;
  Effects effects_;
  wire::Piggybacked piggybacked_;  ///< acknowledgements that wait for a message that carries them
  wire::SessionId piggyback_session_{};
  std::optional<std::chrono::steady_clock::time_point> piggyback_until_;
  Life life_ = Life::running;
  std::thread thread_;  // last, so that all other members exist when it starts
};

}  // namespace quern::client
