// A broker that sends arbitrary messages to a client core, and a user that acts at random times.
#include <cstdio>
#include <cstdlib>

#include "client/core.hpp"
#include "fuzz/story.hpp"
#include "fuzz/targets.hpp"

namespace quern::fuzz {

using namespace std::chrono_literals;
using namespace client;

int fuzz_client(const std::uint8_t* data, std::size_t size) {
  CoreOptions options;
  options.endpoint = "here";
  options.identity.bytes[0] = 1;
  ClientCore core(options);
  wire::Time now{1000s};
  core.start(now);
  std::uint64_t last = 0;
  const auto payloads = [](std::uint64_t n) {
    wire::BatchBuilder builder;
    for (std::uint64_t i = 0; i < n; ++i) builder.add("payload");
    return builder.take();
  };
  for (Story story(data, size); !story.over();) {
    switch (story.below(12)) {
      case 0:
        now += std::chrono::milliseconds(story.byte() * 40);
        break;
      case 1:
        core.on_link(static_cast<Link>(story.below(4)), now);
        break;
      case 2: {
        if (last > 50) break;
        wire::Submit submit;
        // The samples refer to this job; other jobs are unknown.
        for (auto& byte : submit.job.bytes) byte = 0x11;
        submit.job.bytes[15] = static_cast<std::uint8_t>(last == 0 ? 0x11 : 0x80 + last);
        submit.function = "echo";
        submit.input = InputKind::items;
        submit.batch = payloads(story.below(4));
        submit.open = story.below(2) == 0;
        submit.options.detach = story.below(2) == 0;
        const auto rest = submit.open ? InputLedger::Rest::comes : InputLedger::Rest::none;
        core.submit(JobKey{++last}, std::move(submit), rest, now);
        break;
      }
      case 3:
        core.cancel(JobKey{1 + story.below(last + 1)},
                    story.below(2) ? wire::Interval{} : wire::Interval{0, 2}, now);
        break;
      case 4:
        core.abandon(JobKey{1 + story.below(last + 1)}, now);
        break;
      case 5:
        core.on_consumed(JobKey{1 + story.below(last + 1)}, story.byte());
        break;
      case 6:
        if (last > 50) break;
        core.attach(JobKey{++last}, {{}, JobNumber{story.byte()}, 1000, 0}, now);
        break;
      case 7:
        core.ask(wire::Query{}, now);
        break;
      default: {
        auto message = story.message();
        if (message)
          core.on_message({wire::SessionId{story.below(8) == 0 ? story.byte() : std::uint8_t{7}},
                           std::move(*message)},
                          now);
      }
    }
    core.tick(now);
    for (;;) {
      client::Effects effects;
      core.take_effects(effects);
      if (effects.empty()) break;
      for (auto& effect : effects) {
        if (const auto* send = std::get_if<Send>(&effect)) wire::encode(send->envelope);
        if (const auto* need = std::get_if<NeedInput>(&effect))
          if (core.wants_input(need->job))
            core.append(need->job, payloads(3), {},
                        story.below(2) ? InputLedger::Rest::comes : InputLedger::Rest::none, now);
      }
    }
    if (const std::string broken = core.check_invariants(); !broken.empty()) {
      std::fprintf(stderr, "broken invariant: %s\n", broken.c_str());
      std::abort();
    }
  }
  return 0;
}

}  // namespace quern::fuzz
