#include <algorithm>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr Subcommand kCommands[] = {
    {"up", "a broker and workers on this machine, until Ctrl-C", up, up_syntax},
    {"run", "run a function over a range, items, lines or text", run, run_syntax},
    {"map", "run a command per line of the input", map, map_syntax},
    {"jobs", "the newest jobs", jobs, jobs_syntax},
    {"job", "one job: its decision, progress and who did what", job, job_syntax},
    {"wait", "wait for jobs to end", wait, wait_syntax},
    {"results", "the results of a job", results, results_syntax},
    {"logs", "what the commands of a job wrote", logs, logs_syntax},
    {"cancel", "cancel a job, or one task of it", cancel, cancel_syntax},
    {"retry", "run the failed tasks of a job again", retry, retry_syntax},
    {"explain", "why a job is where it is", explain, explain_syntax},
    {"top", "workers, jobs and errors, live", top, top_syntax},
    {"workers", "who is there, how fast, how busy", workers, workers_syntax},
    {"drain", "let a worker finish what it runs and leave", drain, drain_syntax},
    {"keys", "who may do what; let a new machine in", keys_command, keys_syntax},
    {"audit", "the record of decisions; is it untouched?", audit, audit_syntax},
    {"bench", "measure throughput or latency", bench, bench_syntax},
    {"completion", "a script that completes command lines, for bash or zsh", completion,
     completion_syntax},
    {"man", "the manual pages", man, man_syntax},
};

}  // namespace

std::span<const Subcommand> commands() { return kCommands; }

}  // namespace quern::cli
