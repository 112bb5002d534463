// Writes the log lines of programs to stderr. Libraries call these functions too, but nothing is
// printed until a program has called open_log(), so an embedded SDK stays silent.
#pragma once

#include <string>
#include <string_view>

namespace quern::runtime {

enum class LogLevel { debug, info, warning, error, off };

/// Called once, by a program's main(). Every line begins with `program`.
void open_log(std::string_view program, LogLevel level);

void log_debug(const std::string& line);
void log_info(const std::string& line);
void log_warning(const std::string& line);
void log_error(const std::string& line);

}  // namespace quern::runtime
