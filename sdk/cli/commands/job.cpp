// `quern job`: the details of one job, and what each worker did for it.
#include <cstdlib>
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/live/job_watch.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/job_timeline.hpp"
#include "cli/output/json.hpp"
#include "cli/process/interrupt.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kJobManual = {
    "quern job ID [--timeline FILE | --watch [--interval S]]",
    "Shows a job: its state, how it is split, its progress, and the work of each "
    "worker.\n\n--timeline draws which worker did what and when. --watch shows the job until it "
    "has ended: "
    "redrawn in place on a terminal, otherwise a line (with --json an object) per change. The exit "
    "code is 0 if the job is done, 1 "
    "if it is not.",
    "  quern job 12\n  quern job 12 --json | jq '.workers[] | {worker, rate, share}'\n"
    "  quern job 12 --timeline out.svg && xdg-open out.svg\n"
    "  quern job 12 --watch && quern results 12\n"};

}  // namespace

Syntax job_syntax() {
  Syntax syntax(kJobManual);
  auto add = syntax.add();
  add("timeline", option<std::string>("FILE"), "draw its leases as SVG, a row per slot");
  add("watch", flag(), "update the display until the job has ended");
  add("interval", option<double>("S"), "seconds between updates of --watch; default 0.5");
  syntax.words(1, 1, "the id of a job", Word::job);
  return syntax;
}

Exit job(const Arguments& arguments) {
  const auto given = job_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobNumber number = job_number(given->words().front());
  if (given->flag("watch")) {
    if (given->has("timeline")) throw UsageError("--watch and --timeline exclude each other");
    const Watch watch{number, given->interval(0.5), given->json()};
    // Watching changes nothing, so an interrupt ends it at once, and the job continues.
    Interrupt interrupt([] { std::_Exit(static_cast<int>(Exit::interrupted)); });
    Client client(given->client());
    return watch_job(client, watch);
  }
  if (given->has("interval")) throw UsageError("--interval requires --watch");
  Client client(given->client());
  const JobStatus status = given->has("timeline") ? client.timeline(number) : client.job(number);
  if (given->has("timeline")) write_timeline(status, given->get<std::string>("timeline"));
  if (given->json()) {
    std::cout << line_of(to_json(status));
  } else {
    std::cout << job_text(status);
  }
  return Exit::done;
}

}  // namespace quern::cli
