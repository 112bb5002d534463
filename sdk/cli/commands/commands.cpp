#include <algorithm>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr Subcommand kCommands[] = {
    {"up", "run a broker and workers on this machine until Ctrl-C", up, up_syntax},
    {"run", "run a function over a range, items, lines or text", run, run_syntax},
    {"map", "run a command for each line of the input", map, map_syntax},
    {"graph", "run commands that need each other", graph, graph_syntax},
    {"jobs", "list jobs by state, function, owner, name or text", jobs, jobs_syntax},
    {"job", "show a job: how it is split, its progress and its workers", job, job_syntax},
    {"tasks", "show which tasks of a job wait, run, are done or failed", tasks, tasks_syntax},
    {"notes", "show what the tasks of a job say: log lines, progress", notes, notes_syntax},
    {"wait", "wait for jobs to end", wait, wait_syntax},
    {"results", "print the results of a job", results, results_syntax},
    {"logs", "print what the commands of a job wrote", logs, logs_syntax},
    {"cancel", "cancel a job, or one task of it", cancel, cancel_syntax},
    {"retry", "run the failed tasks of a job again", retry, retry_syntax},
    {"append", "add items to an open job", append, append_syntax},
    {"close", "add no more items to open jobs", close, close_syntax},
    {"pause", "keep jobs from starting more tasks", pause, pause_syntax},
    {"resume", "let paused jobs go on", resume, resume_syntax},
    {"schedule", "submit a job again and again, at its times", schedule, schedule_syntax},
    {"explain", "tell why a job waits, or where it runs and why", explain, explain_syntax},
    {"fetch", "print or save a file that the broker keeps", fetch, fetch_syntax},
    {"top", "show workers, jobs and errors live", top, top_syntax},
    {"workers", "list the workers, their speed and their load", workers, workers_syntax},
    {"broker", "show what the broker does and has done", broker, broker_syntax},
    {"drain", "let a worker finish its tasks and leave", drain, drain_syntax},
    {"keys", "manage keys, rights and invitations", keys_command, keys_syntax},
    {"audit", "show and verify the record of decisions", audit, audit_syntax},
    {"bench", "measure throughput or latency", bench, bench_syntax},
    {"completion", "print a completion script for bash or zsh", completion, completion_syntax},
    {"man", "print the manual pages", man, man_syntax},
};

}  // namespace

std::span<const Subcommand> commands() { return kCommands; }

}  // namespace quern::cli
