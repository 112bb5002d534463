#include "cli/output/command_printer.hpp"

#include "cli/output/json.hpp"

namespace quern::cli {
namespace {

void append_bytes(std::string& line, const char* key, const std::string& bytes) {
  line += std::string(",\"") + key + "\":";
  append_result(line, bytes, Encoding::raw);
}

std::string tag_of(const CommandResult& result) {
  std::string tag;
  for (const auto& argument : result.arguments) tag += (tag.empty() ? "" : " ") + argument;
  return tag;
}

}  // namespace

std::string tagged(const std::string& text, const std::string& tag) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    out += tag + '\t' + text.substr(at, end - at);
    at = end;
  }
  return out;
}

std::string json_line(const CommandResult& result, const std::string& trouble) {
  std::string line = "{\"number\":" + std::to_string(result.number) +
                     ",\"ok\":" + (result.ok() ? "true" : "false");
  line +=
      ",\"code\":" + std::to_string(result.code) + ",\"signal\":" + std::to_string(result.signal);
  line += std::string(",\"timed_out\":") + (result.timed_out ? "true" : "false");
  append_bytes(line, "stdout", result.out);
  append_bytes(line, "stderr", result.err);
  if (!trouble.empty()) append_bytes(line, "error", trouble);
  append_bytes(line, "host", result.host);
  line +=
      ",\"started_s\":" + Json(result.started_s).dump() + ",\"ran_s\":" + Json(result.ran_s).dump();
  if (!result.arguments.empty()) {
    line += ",\"arguments\":[";
    for (std::size_t i = 0; i < result.arguments.size(); ++i) {
      if (i > 0) line += ',';
      append_result(line, result.arguments[i], Encoding::raw);
    }
    line += ']';
  }
  return line + "}\n";
}

bool CommandPrinter::print(const CommandResult& result, const std::string& trouble) {
  if (format_.json) return output_.append(json_line(result, trouble));
  const bool goes_on =
      result.out.empty() ||
      output_.append(format_.tag ? tagged(result.out, tag_of(result)) : result.out);
  if (!result.err.empty())
    console_.pass(format_.tag ? tagged(result.err, tag_of(result)) : result.err);
  return goes_on;
}

bool CommandPrinter::print_lost(std::uint64_t number, const std::string& code,
                                const std::string& trouble) {
  if (!format_.json) {
    console_.say("command " + std::to_string(number) +
                 (code == "failed" ? " failed: " : " " + code + ": ") + trouble);
    return true;
  }
  std::string line = "{\"number\":" + std::to_string(number) + ",\"ok\":false";
  append_bytes(line, "error", trouble);
  append_bytes(line, "reason", code);
  return output_.append(line + "}\n");
}

}  // namespace quern::cli
