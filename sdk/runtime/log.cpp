#include "runtime/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "notation/hex.hpp"

namespace quern::runtime {
namespace {

std::atomic<spdlog::logger*> current{nullptr};

/// Lines contain names and texts of peers, which must not be able to end a line or to control a
/// terminal.
std::string printable(const std::string& line) {
  std::string text;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      text += c;
      continue;
    }
    notation::append_hex(text += "\\x", byte);
  }
  return text;
}

void write(spdlog::level::level_enum level, const std::string& line) {
  if (auto* logger = current.load(std::memory_order_acquire)) logger->log(level, printable(line));
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

}  // namespace

void open_log(std::string_view program, LogLevel level) {
  auto logger = spdlog::stderr_color_mt(std::string(program));
  logger->set_level(level_of(level));
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %n %^%l%$: %v");
  current.store(logger.get(), std::memory_order_release);  // spdlog's registry keeps it alive
}

void log_debug(const std::string& line) { write(spdlog::level::debug, line); }
void log_info(const std::string& line) { write(spdlog::level::info, line); }
void log_warning(const std::string& line) { write(spdlog::level::warn, line); }
void log_error(const std::string& line) { write(spdlog::level::err, line); }

}  // namespace quern::runtime
