// The subcommands. Each lives in a file of its name and is one row of the table in commands.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit.hpp"

namespace quern::cli {

class Syntax;  // options.hpp

/// What follows the subcommand's name.
using Arguments = std::vector<std::string>;

/// A subcommand, or an action of one (`quern keys add`).
struct Subcommand {
  std::string_view name;
  std::string_view summary;  ///< one line for `quern help`
  Exit (*run)(const Arguments&);
  Syntax (*syntax)();  ///< what it accepts, from which help, completion and manual are made
};

/// All subcommands, in the order of `quern help`.
std::span<const Subcommand> commands();
/// The one of that name, or nullptr.
const Subcommand* find_command(std::span<const Subcommand> among, std::string_view name);

Exit up(const Arguments& arguments);
Exit run(const Arguments& arguments);
Exit map(const Arguments& arguments);
Exit logs(const Arguments& arguments);
Exit jobs(const Arguments& arguments);
Exit job(const Arguments& arguments);
Exit wait(const Arguments& arguments);
Exit results(const Arguments& arguments);
Exit cancel(const Arguments& arguments);
Exit retry(const Arguments& arguments);
Exit explain(const Arguments& arguments);
Exit top(const Arguments& arguments);
Exit workers(const Arguments& arguments);
Exit drain(const Arguments& arguments);
Exit keys_command(const Arguments& arguments);
Exit audit(const Arguments& arguments);
Exit bench(const Arguments& arguments);
Exit completion(const Arguments& arguments);
Exit man(const Arguments& arguments);

Syntax up_syntax();
Syntax run_syntax();
Syntax map_syntax();
Syntax logs_syntax();
Syntax jobs_syntax();
Syntax job_syntax();
Syntax wait_syntax();
Syntax results_syntax();
Syntax cancel_syntax();
Syntax retry_syntax();
Syntax explain_syntax();
Syntax top_syntax();
Syntax workers_syntax();
Syntax drain_syntax();
Syntax keys_syntax();
Syntax audit_syntax();
Syntax bench_syntax();
Syntax completion_syntax();
Syntax man_syntax();

}  // namespace quern::cli
