// The subcommands. Each lives in a file of its name and is one row of the table in main.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/exit.hpp"

namespace quern::cli {

/// What follows the subcommand's name.
using Arguments = std::vector<std::string>;

struct Subcommand {
  std::string_view name;
  std::string_view summary;  ///< one line for `quern help`
  Exit (*run)(const Arguments&);
};

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
Exit workers(const Arguments& arguments);
Exit drain(const Arguments& arguments);
Exit keys_command(const Arguments& arguments);
Exit audit(const Arguments& arguments);
Exit bench(const Arguments& arguments);

}  // namespace quern::cli
