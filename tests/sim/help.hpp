// The text of `quern-sim --help` around its options.
#pragma once

namespace quern::sim {

constexpr const char* kUsage = R"(Usage: quern-sim [--seed N] [--seeds COUNT]
       quern-sim --scenario NAME|FILE|list [--policy P] [--seed N [--seeds COUNT]] [--timeline OUT.svg]
       quern-sim --etc FILE [--policy P] [--timeline OUT.svg]
Runs the broker's, workers' and clients' cores in virtual time: under faults, checking every answer, or without, to see how well work is
shared out and what it costs.

)";

constexpr const char* kExamples = R"(
Examples:
  quern-sim --seed 1 --seeds 600                             faults, 600 seeds
  quern-sim --scenario list                                  the built-in cases
  quern-sim --scenario rates-1-2-3                           one, as JSON
  quern-sim --scenario slows --policy static-proportional    the same case, shared out as others do
  quern-sim --scenario pareto --seeds 100                    median, mean and most of 100 seeds
  quern-sim --scenario freezes --timeline out.svg            who did what when, as a drawing
  quern-sim --scenario ./office.json --at-most 1.05          a case of your own; exit 1 above 1.05 x its ideal
  quern-sim --etc u_c_hihi.0 --policy pull                   a table of times, one per task and machine

A scenario file is JSON (its name contains '/' or ends in .json). Times are in seconds, rates in tasks a second of one slot:
  {"name": "office",
   "declared": false,
   "machines": [{"slots": 1, "rates": {"f": 100}, "count": 8},
                {"slots": 4, "rates": {"f": 25, "g": 10}}],
   "jobs": [{"function": "f", "takes": "range", "tasks": 1000},
            {"function": "g", "takes": "item", "at": 2, "sizes": [1, 1, 5]}],
   "changes": [{"what": "speed", "at": 1, "machine": 0, "value": 0.1},
               {"what": "freeze", "at": 2, "machine": 1, "value": 1.5},
               {"what": "vanish", "at": 3, "machine": 2}]}
  declared   true: workers say their rates; false (default): they are learnt from what they do
  machines   `slots` (1), `rates`: what it does not name it does not offer, `count` of such machines (1)
  jobs       `takes` item (default) or range, `at` its submission (0), `sizes`: a task of size 5 takes as long as five; all 1 when left out
  changes    `machine` is counted from 0; `value` of speed: share of the full one, of freeze: seconds
  ideal      a time that no schedule beats; left out: the longest task where it is quickest, or all work if each slot did what it is best at

What is printed: `ratio` is the makespan in parts of `ideal`; `list` the makespan of list scheduling without any costs, each task, in the
order of submission, to where it ends first, all times known (up to 200,000 tasks; else null). `core_us_per_lease` is time inside the
broker's core, `settle_ms_most` processor time of its longest single step, `cpu_us_per_lease` processor time of everything, the virtual
workers and `list` aside. A baseline (--policy) has no such costs: null; its `leases` are pulls, or pieces dealt, and `chunk` the tasks a pull
takes: one, more in jobs of more than 100,000 tasks.
)";

}  // namespace quern::sim
