// A minimal broker for tests of the client: a ROUTER, the codec, and functions that it answers
// itself. Its thread owns everything; tests change it through run().
//
//   echo      the result of a task is its payload; one entry per APPEND
//   reverse   the same, but all entries at the close, the last one first
//   sum       the reduced sum of a range
//   fail      each task fails with its payload
//   write     each task fails with its payload, after it has written "half of " and its payload
//   min       reduced over nothing: no value
//   hold      nothing ever happens
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "link/connection.hpp"
#include "runtime/mailbox.hpp"
#include "wire/codec.hpp"
#include "wire/number.hpp"

namespace quern::client {

class FakeBroker {
 public:
  struct Job {
    wire::Submit submit;
    std::uint64_t number = 0;
    std::uint64_t tasks = 0;
    bool closed = false;
    std::vector<wire::Results> entries;
    std::uint64_t sent = 0;
    std::uint64_t acked = 0;
    bool released = false;
    bool followed = true;
    wire::Intervals cancelled;
    JobState state = JobState::running;
    std::vector<wire::Batch> batches;
  };

  FakeBroker() : thread_([this] { serve(); }) { endpoint_ = ready_.get_future().get(); }
  ~FakeBroker() {
    mailbox_.post([this] { stop_ = true; });
    thread_.join();
  }
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  const std::string& endpoint() const { return endpoint_; }

  /// Runs on the broker's thread and waits for it.
  template <typename F>
  auto run(F f) {
    using R = decltype(f());
    std::promise<R> done;
    mailbox_.post([&] {
      if constexpr (std::is_void_v<R>) {
        f();
        done.set_value();
      } else {
        done.set_value(f());
      }
    });
    return done.get_future().get();
  }

  // The rest is for the broker's thread only.
  /// Cuts the connection and opens the endpoint again.
  void cut() {
    socket_.reset();
    session_of_.clear();
    open();
  }
  /// Forgets everything, as after a restart.
  void restart() {
    jobs.clear();
    ++incarnation;
    cut();
  }
  /// Sends what is due to whoever is connected.
  void push() {
    for (auto& [uuid, job] : jobs) {
      if (!job.followed) continue;
      for (; job.sent < job.entries.size(); ++job.sent) send(peer_, job.entries[job.sent]);
      if (is_final(job.state)) send(peer_, update_of(uuid, job));
    }
  }

  std::map<Uuid, Job> jobs;
  std::vector<wire::Query> queries;                  ///< received so far
  std::vector<std::vector<ErrorGroup>> error_pages;  ///< of the answers to QUERY errors
  std::vector<JobNumber> cursors;  ///< of the next answers, the last one first; then 0
  std::uint64_t incarnation = 1;
  std::uint64_t credit = 1u << 30;
  std::uint64_t entry_tasks = 1000;  ///< results per entry
  std::size_t byes = 0;
  std::optional<wire::Refused> refuse;
  ErrorCode attach_error = ErrorCode::unknown_job;  ///< the answer to ATTACH of an unknown job
  bool mute = false;                                ///< results are kept back

 private:
  void open() {
    // A path instead of a port: while the broker is cut off, another process could get the port.
    if (bound_.empty()) bound_ = "ipc:///tmp/quern-fake-" + Uuid::random().text();
    runtime::SocketOptions options;
    options.high_water_mark = 0;  // this broker does not count credit, and must not drop messages
    socket_.emplace(runtime::Socket::router(context_, options));
    socket_->bind(bound_);
  }

  void serve() {
    open();
    ready_.set_value(bound_);
    std::vector<std::function<void()>> commands;
    while (!stop_) {
      runtime::Poller poller;
      poller.add(mailbox_.fd());
      poller.add(*socket_);
      poller.wait(std::chrono::milliseconds(-1));
      mailbox_.drain(commands);
      for (auto& command : commands) command();
      while (auto parts = socket_->receive(wire::kPartsMax + 1)) {
        const std::string peer(parts->front().view);
        parts->erase(parts->begin());
        wire::Piggybacked piggybacked;
        auto decoded = wire::decode(link::frames_of(std::move(*parts)), &piggybacked);
        auto* envelope = std::get_if<wire::Envelope>(&decoded);
        for (auto& acknowledgement : piggybacked)
          if (socket_) on(peer, {envelope->session, std::move(acknowledgement)});
        if (envelope && socket_) on(peer, std::move(*envelope));
        if (!socket_) break;
      }
    }
    socket_.reset();
  }

  void on(const std::string& peer, wire::Envelope envelope) {
    if (auto* hello = std::get_if<wire::Hello>(&envelope.message)) return welcome(peer, *hello);
    const auto session = session_of_.find(peer);
    if (session == session_of_.end() || session->second != envelope.session)
      return send(peer, wire::HelloAgain{}, {});
    std::visit([&](auto& m) { on_message(peer, m); }, envelope.message);
    if (!mute) push();
  }

  void welcome(const std::string& peer, const wire::Hello& hello) {
    if (refuse) return send(peer, *refuse, {});
    session_of_[peer] = wire::SessionId{++sessions_};
    peer_ = peer;
    wire::Welcome welcome;
    welcome.incarnation = incarnation;
    for (const auto& held : hello.jobs) {
      const auto at = jobs.find(held.job);
      if (at == jobs.end())
        welcome.jobs.push_back({held.job, false, {}, 0, 0});
      else
        welcome.jobs.push_back(
            {held.job, true, JobNumber{at->second.number}, at->second.tasks, credit});
    }
    send(peer, welcome);
  }

  template <typename M>
  void on_message(const std::string&, M&) {}
  void on_message(const std::string&, wire::Bye&) { ++byes; }
  void on_message(const std::string& peer, wire::Beat& heartbeat) {
    if (!heartbeat.reply) send(peer, wire::Beat{true, {}, {}});
  }
  void on_message(const std::string& peer, wire::Submit& submit) {
    Job& job = jobs[submit.job];
    if (job.number == 0) {
      job.number = jobs.size();
      job.submit = submit;
      job.followed = submit.window > 0 || submit.watch_ms > 0;
      take(job, submit.batch, 0, !submit.open);
    }
    send(peer, accepted(submit.job, job));
  }
  void on_message(const std::string& peer, wire::Append& append) {
    Job& job = jobs[append.job];
    if (append.first == job.tasks)
      take(job, append.batch, append.first, append.close);
    else if (append.close)
      job.closed = true;
    send(peer, accepted(append.job, job));
  }
  void on_message(const std::string&, wire::Ack& ack) {
    Job& job = jobs[ack.job];
    job.acked = std::max(job.acked, ack.cursor);
    job.released |= ack.release;
  }
  void on_message(const std::string& peer, wire::Attach& attach) {
    for (auto& [uuid, job] : jobs) {
      if (uuid != attach.job && job.number != value(attach.number)) continue;
      job.followed = true;
      job.sent = attach.window == 0 ? job.entries.size() : attach.cursor;
      auto update = update_of(uuid, job);
      update.token = attach.token;
      return send(peer, update);
    }
    wire::ErrorMessage error;
    error.code = attach_error;
    error.text = "there is no such job";
    error.token = attach.token;
    send(peer, error);
  }
  void on_message(const std::string&, wire::Cancel& cancel) {
    Job& job = jobs[cancel.job];
    if (cancel.tasks.empty()) {
      job.state = JobState::cancelled;
      return;
    }
    wire::Results results;
    for (const auto& tasks : cancel.tasks) {
      job.cancelled.push_back(tasks);
      results.errors.push_back({tasks.begin, tasks.size(), ErrorCode::cancelled, "cancelled"});
    }
    add(job, std::move(results));
  }
  void on_message(const std::string& peer, wire::Query& query) {
    wire::Answer answer;
    answer.token = query.token;
    queries.push_back(query);
    for (auto& [uuid, job] : jobs) answer.jobs.push_back(update_of(uuid, job).status);
    if (query.what == wire::QueryWhat::errors && query.cursor < error_pages.size()) {
      answer.errors = error_pages[query.cursor];
      if (query.cursor + 1 < error_pages.size()) answer.cursor = query.cursor + 1;
    }
    if (!cursors.empty()) {
      answer.before = cursors.back();
      cursors.pop_back();
    }
    send(peer, answer);
  }

  void take(Job& job, const wire::Batch& batch, std::uint64_t first, bool close) {
    job.tasks += batch.count();
    job.closed |= close;
    const std::string& f = job.submit.function;
    if (f == "reverse") {
      if (batch.count() > 0) job.batches.push_back(batch);
    } else if (f == "echo") {
      echo(job, batch, first);
    } else if (f == "fail" && batch.count() > 0) {
      wire::Results results;
      wire::BatchReader reader(batch);
      for (std::uint64_t i = first; !reader.at_end(); ++i) {
        results.errors.push_back({i, 1, ErrorCode::failed, std::string(reader.next())});
      }
      add(job, std::move(results));
    } else if (f == "write" && batch.count() > 0) {
      fail_with_output(job, batch, first);
    }
    if (!job.closed || f == "hold") return;
    if (f == "reverse") reverse(job);
    job.state = f == "fail" || f == "write" ? JobState::failed : JobState::done;
  }

  void echo(Job& job, const wire::Batch& batch, std::uint64_t first) {
    std::size_t offset = 0;
    for (std::uint64_t at = 0; at < batch.count(); at += entry_tasks) {
      const std::uint64_t end = std::min(batch.count(), at + entry_tasks);
      const std::size_t size = batch.sizes.sum(at, end);
      wire::Results results;
      results.tasks = {{first + at, first + end}};
      results.encoding = job.submit.encoding;
      results.batch = {batch.sizes.slice(at, end), batch.bytes.slice(offset, size)};
      offset += size;
      add(job, std::move(results));
    }
  }

  void fail_with_output(Job& job, const wire::Batch& batch, std::uint64_t first) {
    wire::Results results;
    results.written = {{first, first + batch.count()}};
    wire::BatchBuilder outputs;
    wire::BatchReader reader(batch);
    for (std::uint64_t i = first; !reader.at_end(); ++i) {
      const std::string payload(reader.next());
      results.errors.push_back({i, 1, ErrorCode::failed, payload});
      outputs.add("half of " + payload);
    }
    results.batch = outputs.take();
    add(job, std::move(results));
  }

  void reverse(Job& job) {
    std::uint64_t first = 0;
    for (const wire::Batch& batch : job.batches) {
      echo(job, batch, first);
      first += batch.count();
    }
    std::reverse(job.entries.begin(), job.entries.end());
    for (std::size_t i = 0; i < job.entries.size(); ++i) job.entries[i].seq = i;
  }

  static void add(Job& job, wire::Results results) {
    results.job = job.submit.job;
    results.seq = job.entries.size();
    job.entries.push_back(std::move(results));
  }

  wire::Accepted accepted(const Uuid& uuid, const Job& job) {
    wire::Accepted message;
    message.job = uuid;
    message.number = JobNumber{job.number};
    message.accepted_to = job.tasks;
    message.credit_to = credit;
    return message;
  }

  wire::JobUpdate update_of(const Uuid& uuid, const Job& job) {
    wire::JobUpdate update;
    update.status.uuid = uuid;
    update.status.number = JobNumber{job.number};
    update.status.function = job.submit.function;
    update.status.encoding = job.submit.encoding;
    update.status.state = job.state;
    update.status.total = job.tasks;
    update.status.done = job.state == JobState::done ? job.tasks : 0;
    update.status.failed = job.state == JobState::failed ? job.tasks : 0;
    update.entries = job.entries.size();
    update.reduced = job.submit.function == "min";
    if (job.submit.function == "sum") {
      wire::Int128 sum = 0;
      for (auto i = job.submit.range_begin; i < job.submit.range_end; ++i) sum += i;
      update.reduced = update.has_value = true;
      update.status.encoding = Encoding::value;
      update.value = wire::Buffer::adopt(wire::bytes_of(wire::Number(sum)));
    }
    return update;
  }

  void send(const std::string& peer, wire::Message message) {
    const auto at = session_of_.find(peer);
    if (at != session_of_.end()) send(peer, std::move(message), at->second);
  }
  void send(const std::string& peer, wire::Message message, wire::SessionId session) {
    socket_->send(peer, link::parts_of(wire::encode({session, std::move(message)})));
  }

  zmq::context_t context_;
  std::optional<runtime::Socket> socket_;
  std::string bound_;
  std::map<std::string, wire::SessionId> session_of_;
  std::string peer_;  // the peer that sent the latest HELLO
  std::uint64_t sessions_ = 0;
  bool stop_ = false;
  runtime::Mailbox<std::function<void()>> mailbox_;
  std::promise<std::string> ready_;
  std::string endpoint_;
  std::thread thread_;
};

}  // namespace quern::client
