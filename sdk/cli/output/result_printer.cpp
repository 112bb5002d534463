#include "cli/output/result_printer.hpp"

#include "cli/output/command_printer.hpp"
#include "cli/output/json.hpp"
#include "quern/value.hpp"

namespace quern::cli {
namespace {

constexpr std::uint64_t kErrorsShown = 10;

void append_text(std::string& line, BytesView bytes, Encoding encoding) {
  if (encoding == Encoding::value) {
    append_result(line, bytes, encoding);
  } else {
    line += bytes;
  }
  line += '\n';
}

void append_error(std::string& line, ErrorCode code, BytesView text) {
  line += ",\"code\":\"";
  line += to_string(code);
  line += "\",\"error\":";
  if (!append_string(line, text))
    line += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

bool ResultPrinter::print(const TaskResult& result, Encoding encoding) {
  if (!result.ok) print_error(result);
  line_.clear();
  if (commands_ && !result.bytes.empty()) return print_command(result);
  if (format_ == Format::text) {
    if (!result.ok) return true;
    append_text(line_, result.bytes, encoding);
    return output_.append(line_);
  }
  line_ += "{\"index\":";
  line_ += std::to_string(result.index);
  if (result.ok) {
    line_ += ",\"ok\":true,\"result\":";
    append_result(line_, result.bytes, encoding);
  } else {
    line_ += ",\"ok\":false";
    append_error(line_, result.code, result.text);
    if (!result.bytes.empty()) {
      line_ += ",\"output\":";
      append_result(line_, result.bytes, encoding);
    }
  }
  line_ += "}\n";
  return output_.append(line_);
}

bool ResultPrinter::print_command(const TaskResult& result) {
  try {
    const CommandResult command = command_result(result.bytes);
    if (result.ok && !command.ok()) ++failed_;
    return CommandPrinter({format_ == Format::json, false}, output_, console_)
        .print(command, format_ == Format::json ? result.text : "");
  } catch (const std::invalid_argument&) {
    if (result.ok) ++failed_;
    console_.say("task " + std::to_string(result.index) +
                 ": the worker's result is not the result of a command");
    return true;
  }
}

bool ResultPrinter::print_reduced(JobNumber number, const Outcome& outcome,
                                  const std::optional<Bytes>& value, Encoding encoding) {
  line_.clear();
  if (format_ == Format::text) {
    if (!value) return true;
    append_text(line_, *value, encoding);
    return output_.append(line_);
  }
  line_ += "{\"job\":" + std::to_string(quern::value(number)) + ",\"result\":";
  if (value) {
    append_result(line_, *value, encoding);
  } else {
    line_ += "null";
  }
  line_ += ",\"state\":\"";
  line_ += to_string(outcome.state);
  line_ += '"';
  if (!outcome.ok()) append_error(line_, outcome.code, outcome.text);
  line_ += "}\n";
  return output_.append(line_);
}

void ResultPrinter::print_error(const TaskResult& result) {
  if (++failed_ > kErrorsShown) return;
  console_.say("task " + std::to_string(result.index) + " " +
               (result.code == ErrorCode::failed ? "failed" : std::string(to_string(result.code))) +
               ": " + result.text);
}

void ResultPrinter::print_rest() {
  if (failed_ > kErrorsShown)
    console_.say("... and " + std::to_string(failed_ - kErrorsShown) + " more tasks failed");
}

}  // namespace quern::cli
