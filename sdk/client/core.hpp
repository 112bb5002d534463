// The decisions of the client: commands, messages and time in, effects out. Owns the session and
// every live job of one client. Pure: no sockets, threads, clock reads or msgpack; one thread (the
// actor's, or a test's) calls it.
//
// Promises: every job that submit() or attach() named ends in exactly one of a final Status
// followed by all its entries, or Ended; every ask() is Answered once; Deliver brings each entry
// once and in order, over any number of sessions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/effects.hpp"
#include "client/live_job.hpp"
#include "client/session.hpp"

namespace quern::client {

/// The configuration of the core.
struct CoreOptions {
  std::string endpoint;  ///< for texts only
  Uuid identity;
  std::string name;
  std::string software;
  Duration first_wait = std::chrono::seconds(4);  ///< how long a call waits for the first broker
  Duration retry = std::chrono::seconds(30);      ///< how long it waits for a lost one
};

/// The state of the connection as reported by its monitor. refused: not now, or not ready (no keys
/// yet); denied: trying again would not help.
enum class Link : std::uint8_t { connecting, connected, absent, refused, denied };

/// A job to follow.
struct Follow {
  Uuid uuid;  ///< nil: by number
  JobNumber number{};
  std::uint64_t window = 0;
  std::uint32_t watch_ms = 0;
};

class ClientCore {
 public:
  explicit ClientCore(CoreOptions options) : options_(std::move(options)) {}

  /// Must be called first: requests a socket.
  void start(Time now);
  /// A new job; with Rest::comes its further input comes by append(), each time after NeedInput.
  void submit(JobKey key, wire::Submit submit, InputLedger::Rest rest, Time now);
  void attach(JobKey key, const Follow& follow, Time now);
  /// More input of an open job. Allowed at any time; it is sent when credit allows.
  void append(JobKey key, wire::Batch batch, std::vector<float> costs, InputLedger::Rest rest,
              Time now);
  /// Cancels the whole job, or the tasks of `tasks`.
  void cancel(JobKey key, wire::Interval tasks, Time now);
  /// QUERY, DRAIN, CANCEL, RETRY, PAUSE, SCHEDULE, APPEND or FETCH with a token; the token is set
  /// here and comes back in Answered. monostate: answer when connected.
  using Question = std::variant<std::monostate, wire::Query, wire::Drain, wire::Cancel, wire::Retry,
                                wire::Pause, wire::Schedule, wire::Append, wire::Fetch>;
  std::uint64_t ask(Question question, Time now);
  /// Entries [0, to) of the job were consumed: they may be acknowledged at the end of the turn.
  void on_consumed(JobKey key, std::uint64_t to);
  /// The last handle of this job was released.
  void abandon(JobKey key, Time now);
  /// Follow with another window or pace.
  void watch(JobKey key, std::uint64_t window, std::uint32_t watch_ms, Time now);
  /// A reader waits for its results, which must arrive even if unread results of other jobs fill
  /// the session's window.
  void want(JobKey key, Time now);
  /// No connection is possible (an invalid endpoint): everything fails, and can be tried again
  /// later.
  void fail(Failure why, Time now);
  /// The client is closing: ends everything with `shutdown` and says BYE.
  void stop(Time now);

  void on_message(wire::Envelope envelope, Time now);
  /// Bytes that are not a message.
  void on_garbage(Time now);
  /// `why`: a sentence for people, if one is known.
  void on_link(Link link, Time now, std::string why = {});
  /// Call after everything that arrived was read: handles deadlines, heartbeats, acknowledgements.
  void tick(Time now);

  std::optional<Time> next_deadline() const;
  /// Moves the effects so far to the end of `out`.
  void take_effects(Effects& out);
  bool wants_input(JobKey key) const;
  bool is_open() const { return session_.is_open(); }
  std::size_t live_jobs() const { return jobs_.size(); }
  /// Empty if all invariants hold, else the violated one. For tests and simulations, after every
  /// step.
  std::string check_invariants() const;

 private:
  using Jobs = std::map<JobKey, LiveJob>;

  void on(const wire::Welcome& welcome, wire::SessionId id, Time now);
  void on(const wire::Refused& refused, Time now);
  void on(const wire::ErrorMessage& error, Time now);
  void on(const wire::Accepted& accepted, Time now);
  void on(wire::Results results, Time now);
  void on(wire::JobUpdate update, Time now);
  void on(wire::Answer answer);
  void on(wire::Blob blob);

  void tell_taken(LiveJob& job);
  void reopen(Time now);
  void lose(Time now);
  void apply(Session::Action action, Time now);
  void resume(LiveJob& job, const wire::KnownJob* known, Time now);
  bool may_have_started(const LiveJob& job, const wire::KnownJob* known) const;
  void send_submit(LiveJob& job, Time now);
  /// The job exists already: its input must equal ours, which is read to be compared.
  void compare(LiveJob& job, wire::Batch first, Time now);
  void read_to_compare(LiveJob& job);
  void on_own_input_read(LiveJob& job, Time now);
  void send_attach(LiveJob& job, Time now);
  void send_cancels(LiveJob& job, Time now);
  void send_question(std::uint64_t token, Time now);
  /// A new session: questions are sent again, unless that could have an effect twice.
  void resume_questions(Time now);
  /// Sends what credit allows and asks for more.
  void pump(LiveJob& job, Time now);
  void acknowledge(LiveJob& job, Time now);
  /// Forgets a job that has nothing left to do; true if it was forgotten.
  bool forget_if_done(LiveJob& job, Time now);
  void set_uuid(LiveJob& job, const Uuid& uuid);
  void end(JobKey key, Failure failure);
  void fail_everything(const Failure& failure);
  void answer(std::uint64_t token, Reply reply);
  void send(wire::Message message, Time now);

  LiveJob* find(JobKey key);
  LiveJob* find(const Uuid& uuid);
  bool busy() const;
  /// Whether a command waits for a broker that is not connected.
  bool demand() const { return !asks_.empty() || !jobs_.empty(); }
  Duration patience() const {
    return session_.was_welcome() ? options_.retry : options_.first_wait;
  }
  Failure absence() const;

  CoreOptions options_;
  Session session_;
  Link link_ = Link::connecting;
  std::string why_absent_;             ///< the last known reason, until a connection is established
  bool was_connected_ = false;         // this socket had a connection before
  std::optional<Time> waiting_since_;  // since when commands have waited without a session
  Jobs jobs_;
  std::unordered_map<Uuid, JobKey> by_uuid_;
  struct Ask {
    Question question;
    int sent = 0;  ///< how often
  };
  std::map<std::uint64_t, Ask> asks_;
  std::uint64_t next_token_ = 1;
  std::vector<JobKey> to_acknowledge_;
  Failure last_error_;
  Effects effects_;
};

}  // namespace quern::client
