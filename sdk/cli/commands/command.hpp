// The subcommands. Each lives in a file of its name and is one row of the table in commands.cpp.
#pragma once

#include <span>

#include "cli/syntax/options.hpp"
#include "cli/syntax/subcommand.hpp"

namespace quern::cli {

/// All subcommands, in the order of `quern help`.
std::span<const Subcommand> commands();

Exit up(const Arguments& arguments);
Exit run(const Arguments& arguments);
Exit map(const Arguments& arguments);
Exit graph(const Arguments& arguments);
Exit logs(const Arguments& arguments);
Exit jobs(const Arguments& arguments);
Exit job(const Arguments& arguments);
Exit tasks(const Arguments& arguments);
Exit notes(const Arguments& arguments);
Exit wait(const Arguments& arguments);
Exit results(const Arguments& arguments);
Exit cancel(const Arguments& arguments);
Exit retry(const Arguments& arguments);
Exit append(const Arguments& arguments);
Exit close(const Arguments& arguments);
Exit pause(const Arguments& arguments);
Exit resume(const Arguments& arguments);
Exit schedule(const Arguments& arguments);
Exit explain(const Arguments& arguments);
Exit fetch(const Arguments& arguments);
Exit top(const Arguments& arguments);
Exit workers(const Arguments& arguments);
Exit broker(const Arguments& arguments);
Exit drain(const Arguments& arguments);
Exit keys_command(const Arguments& arguments);
Exit audit(const Arguments& arguments);
Exit bench(const Arguments& arguments);
Exit completion(const Arguments& arguments);
Exit man(const Arguments& arguments);

Syntax up_syntax();
Syntax run_syntax();
Syntax map_syntax();
Syntax graph_syntax();
Syntax logs_syntax();
Syntax jobs_syntax();
Syntax job_syntax();
Syntax tasks_syntax();
Syntax notes_syntax();
Syntax wait_syntax();
Syntax results_syntax();
Syntax cancel_syntax();
Syntax retry_syntax();
Syntax append_syntax();
Syntax close_syntax();
Syntax pause_syntax();
Syntax resume_syntax();
Syntax schedule_syntax();
Syntax explain_syntax();
Syntax fetch_syntax();
Syntax top_syntax();
Syntax workers_syntax();
Syntax broker_syntax();
Syntax drain_syntax();
Syntax keys_syntax();
Syntax audit_syntax();
Syntax bench_syntax();
Syntax completion_syntax();
Syntax man_syntax();

}  // namespace quern::cli
