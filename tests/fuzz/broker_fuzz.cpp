// Peers that send arbitrary messages to a broker core with a store that may fail.
#include <cstdlib>

#include "broker/core/core.hpp"
#include "fuzz/story.hpp"
#include "fuzz/targets.hpp"
#include "sim/memory_store.hpp"

namespace quern::fuzz {
namespace {

using namespace std::chrono_literals;
using namespace broker;

Principals all_rights() {
  Principals principals;
  for (const char* user : {"anonymous", "other"}) {
    principals[user].name = user;
    principals[user].rights = kAllRights;
  }
  return principals;
}

class Stage {
 public:
  explicit Stage(Story& story) {
    config_.open = story.below(2) == 0;
    config_.audit = true;
    config_.store = true;
    config_.memory_limit = 4 << 20;
    config_.sessions_max = 20;
    config_.finished_max = 10;
    start();
  }

  void play(Story& story) {
    switch (story.below(12)) {
      case 0:
        now_ += std::chrono::milliseconds(story.byte() * 40);
        break;
      case 1:
        commit();
        break;
      case 2:
        restart();
        break;
      case 3:
        core_->on_unreachable(peer(story));
        break;
      case 4:
        core_->on_malformed(peer(story), "anonymous", {ErrorCode::malformed, "not a message"},
                            now_);
        core_->take_effects(effects_);
        break;
      case 5:
        core_->on_store_trouble("full", now_);
        core_->take_effects(effects_);
        break;
      case 6:
        core_->on_store_healthy();
        core_->take_effects(effects_);
        break;
      case 7:
        change_keys(story);
        break;
      default:
        say(story);
    }
    core_->settle(now_);
    core_->take_effects(effects_);
    carry_out();
    core_->check_invariants();
  }

 private:
  static const char* user_of(Story& story) {
    const auto n = story.below(16);
    return n == 0 ? "nobody" : n < 4 ? "other" : "anonymous";
  }
  PeerId peer(Story& story) { return PeerId{1 + story.below(5)}; }

  void start() {
    Recovered recovered = store_.recover();
    config_.incarnation = recovered.incarnation;
    core_.emplace(config_);
    core_->on_principals(Principals(principals_), false, now_);
    core_->take_effects(effects_);
    core_->recover(std::move(recovered), now_);
    core_->take_effects(effects_);
    sessions_.clear();
    commit_.reset();
  }
  void restart() {
    if (commit_ && now_.time_since_epoch().count() % 2 == 0) store_.apply(commit_->ops);
    effects_.clear();
    start();
  }
  void commit() {
    if (!commit_) return;
    store_.apply(commit_->ops);
    const std::uint64_t sequence = commit_->sequence;
    commit_.reset();
    core_->on_committed(sequence, now_);
    core_->take_effects(effects_);
  }

  void change_keys(Story& story) {
    for (const char* user : {"anonymous", "other"}) {
      Principal& principal = principals_[user];
      principal.name = story.below(4) == 0 ? "shared" : user;
      principal.rights =
          story.below(3) == 0 ? static_cast<std::uint8_t>(story.below(16)) : kAllRights;
      if (story.below(8) == 0) principal.max_jobs = story.below(4);
      if (story.below(8) == 0) principal.max_tasks = story.byte();
      if (story.below(8) == 0) principal.functions = {"s*"};
      if (story.below(16) == 0) principals_.erase(user);
    }
    core_->on_principals(Principals(principals_), story.below(2) == 0, now_);
    core_->take_effects(effects_);
    if (story.below(4) == 0) core_->on_audit_trouble(story.below(2) == 0 ? "full" : "");
    core_->take_effects(effects_);
    if (story.below(4) == 0) core_->on_enrolled(peer(story), "other", "other", 1, true);
    core_->take_effects(effects_);
    if (story.below(4) == 0) core_->on_enrol_refused(peer(story), "nobody", "no");
    core_->take_effects(effects_);
  }

  void say(Story& story) {
    const PeerId from = peer(story);
    auto message = story.message();
    if (!message) return;
    if (story.below(2) == 0) fit(*message);
    const wire::SessionId session =
        story.below(8) == 0 ? wire::SessionId{story.byte()} : sessions_[from];
    core_->on_message(from, user_of(story), {session, std::move(*message)}, now_);
    core_->take_effects(effects_);
  }

  /// Turns a message of a worker into an answer to the last lease.
  void fit(wire::Message& message) {
    if (!lease_) return;
    if (auto* report = std::get_if<wire::Report>(&message)) {
      report->id.lease = lease_->lease;
      report->tasks = lease_->tasks;
      wire::BatchBuilder builder;
      const std::uint64_t n = report->partial ? report->tasks.size() : wire::size(report->tasks);
      if (n > 1000) return;
      for (std::uint64_t i = 0; i < n; ++i) builder.add("\x01");
      report->batch = builder.take();
      report->errors.clear();
    } else if (auto* reclaimed = std::get_if<wire::Reclaimed>(&message)) {
      reclaimed->lease = lease_->lease;
      reclaimed->tasks = lease_->tasks;
    } else if (auto* hello = std::get_if<wire::Hello>(&message); hello && hello->worker) {
      hello->worker->held.push_back(
          {lease_->lease, lease_->job, lease_->tasks, false, lease_->kind});
    }
  }

  void carry_out() {
    // Loads are answered at once; the answers may trigger more loads.
    while (!effects_.empty()) {
      Effects effects;
      effects.swap(effects_);
      for (auto& effect : effects) {
        if (auto* send = std::get_if<Send>(&effect)) {
          wire::encode(
              {send->session, send->message});  // every message of the core must be encodable
          if (std::holds_alternative<wire::Welcome>(send->message))
            sessions_[send->peer] = send->session;
          if (auto* lease = std::get_if<wire::Lease>(&send->message)) lease_ = *lease;
        } else if (auto* commit = std::get_if<Commit>(&effect)) {
          if (commit_) std::abort();  // one at a time
          commit_ = std::move(*commit);
        } else if (auto* load = std::get_if<Load>(&effect)) {
          core_->on_loaded(load->job, load->tasks, store_.load(load->job, load->tasks));
        } else if (auto* result = std::get_if<LoadResult>(&effect)) {
          core_->on_result_loaded(result->job, result->seq,
                                  store_.load_result(result->job, result->seq));
        }
      }
      core_->settle(now_);
      core_->take_effects(effects_);
    }
  }

  Config config_;
  Principals principals_ = all_rights();
  sim::MemoryStore store_;
  std::optional<Core> core_;
  wire::Time now_{1000s};
  Effects effects_;
  std::optional<Commit> commit_;
  std::map<PeerId, wire::SessionId> sessions_;
  std::optional<wire::Lease> lease_;
};

}  // namespace

int fuzz_broker(const std::uint8_t* data, std::size_t size) {
  Story story(data, size);
  Stage stage(story);
  while (!story.over()) stage.play(story);
  return 0;
}

}  // namespace quern::fuzz
