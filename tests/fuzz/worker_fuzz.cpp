// A broker that sends arbitrary messages to a worker core, and slots that report at random times.
#include <cstdlib>

#include "fuzz/story.hpp"
#include "fuzz/targets.hpp"
#include "worker/core/worker_core.hpp"

namespace quern::fuzz {

using namespace std::chrono_literals;
using namespace worker;

int fuzz_worker(const std::uint8_t* data, std::size_t size) {
  Config config;
  config.identity.bytes[0] = 1;
  config.slots = 2;
  config.offer.functions = {{"echo", Takes::item, Encoding::raw, "", false, 0}};
  WorkerCore core(config);
  wire::Time now{1000s};
  std::map<SlotId, wire::Lease> running;
  wire::SessionId session{7};
  for (Story story(data, size); !story.over() && !core.over();) {
    switch (story.below(11)) {
      case 0:
        now += std::chrono::milliseconds(story.byte() * 40);
        core.on_tick(now);
        break;
      case 1:
        core.on_connected(now);
        break;
      case 2:
        core.on_lost("gone", now);
        break;
      case 3:
        if (story.below(4) == 0) core.on_stop_requested(now);
        break;
      case 4:
      case 5: {  // a slot reports its whole lease
        if (running.empty()) break;
        const auto it = running.begin();
        wire::Report report;
        report.id = {it->second.lease, 0};
        report.last = true;
        report.tasks = it->second.tasks;
        const SlotId slot = it->first;
        running.erase(it);
        core.on_report(slot, std::move(report), now);
        core.on_slot_free(slot, now);
        break;
      }
      case 6: {  // a task submits a job, waits, or goes on
        if (running.empty()) break;
        const auto it = running.begin();
        wire::Submit submit;
        submit.job.bytes.fill(story.byte());
        submit.lease = it->second.lease;
        if (story.below(2) == 0) core.handle(it->first, submit);
        core.handle(it->first, wire::Wait{submit.lease, story.below(2) == 0 ? submit.job : Uuid{}});
        break;
      }
      default: {
        auto message = story.message();
        if (!message) break;
        const wire::SessionId of = story.below(8) == 0 ? wire::SessionId{story.byte()} : session;
        core.on_message({of, std::move(*message)}, now);
      }
    }
    Effects effects;
    core.take_effects(effects);
    for (auto& effect : effects) {
      if (auto* start = std::get_if<StartRun>(&effect))
        running[start->slot] = std::move(start->lease);
      else if (const auto* cancel = std::get_if<CancelRun>(&effect)) {
        running.erase(cancel->slot);
        core.on_slot_free(cancel->slot, now);
      } else if (const auto* cut = std::get_if<CutRun>(&effect))
        core.on_cut(cut->slot, cut->lease, {}, now);
      else if (const auto* send = std::get_if<Send>(&effect))
        wire::encode(send->envelope);
    }
    core.check_invariants();
  }
  return 0;
}

}  // namespace quern::fuzz
