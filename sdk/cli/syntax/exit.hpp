// Exit codes of the command line. Scripts rely on them; sdk/guide/first-job.md lists the same.
#pragma once

namespace quern::cli {

enum class Exit : int {
  done = 0,
  failed = 1,     ///< the job or some task failed
  usage = 2,      ///< the command line, or a file it names
  no_broker = 3,  ///< no broker, or it refused; `up`: the port is in use
  not_run = 125,  ///< `run exec`: the command was not run; other codes there are the command's own
  interrupted = 130,
};

}  // namespace quern::cli
