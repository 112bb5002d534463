// Log lines of programs, to stderr. Libraries call these too, but nothing is printed until a
// program has called open_log(): an embedded SDK stays silent.
#pragma once

#include <string>
#include <string_view>

namespace quern::runtime {

enum class LogLevel { debug, info, warning, error, off };

/// Once, by a program's main(). `program` leads every line.
void open_log(std::string_view program, LogLevel level);

void log_debug(const std::string& line);
void log_info(const std::string& line);
void log_warning(const std::string& line);
void log_error(const std::string& line);

}  // namespace quern::runtime
