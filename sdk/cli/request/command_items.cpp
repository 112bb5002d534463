#include "cli/request/command_items.hpp"

#include <cmath>

#include "cli/output/json.hpp"
#include "cli/request/records.hpp"
#include "cli/syntax/options.hpp"
#include "quern/command.hpp"

namespace quern::cli {
namespace {

constexpr double kCostMostInLine = 1e15;

using Require = std::map<std::string, std::string>;

struct Line {
  CommandItem item;
  double cost = 1;
  Require require;
};

/// A string as it is, a number as it is written.
std::string text_of(const Json& value, const char* key) {
  if (value.is_string() && std::string_view(key) != "stdin" &&
      value.get_ref<const std::string&>().find('\0') != std::string::npos)
    throw FileError(std::string("\"") + key + "\" contains a NUL character");
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  throw FileError(std::string("\"") + key +
                  "\" contains a value that is neither a string nor a number");
}

void read_field(Line& line, const std::string& key, const Json& value) {
  const auto expect = [&](bool fits, const char* what) {
    if (!fits) throw FileError("\"" + key + "\" is not " + what);
  };
  if (key == "args") {
    expect(value.is_array(), "a list");
    for (const Json& word : value) line.item.arguments.push_back(text_of(word, "args"));
  } else if (key == "env" || key == "require") {
    expect(value.is_object(), "an object");
    for (const auto& [name, wanted] : value.items()) {
      if (key == "env")
        line.item.env.push_back(name + "=" + text_of(wanted, "env"));
      else
        line.require[name] = text_of(wanted, "require");
    }
  } else if (key == "cwd") {
    line.item.cwd = text_of(value, "cwd");
  } else if (key == "stdin") {
    line.item.input = text_of(value, "stdin");
  } else if (key == "cost") {
    expect(value.is_number() && value.get<double>() >= 0 && value.get<double>() <= kCostMostInLine,
           "a number from 0 to 10^15");
    line.cost = value.get<double>();
  } else {
    throw FileError("\"" + key + "\" is unknown; use args, env, cwd, stdin, cost and require");
  }
}

Line line_in(const std::string& text) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) throw FileError("not a JSON object");
  Line line;
  for (const auto& [key, value] : object.items()) read_field(line, key, value);
  return line;
}

/// Items of one group with their costs, which the client asks for after each item.
struct Held {
  std::vector<Bytes> items;
  std::vector<double> costs;
  std::size_t next = 0;
};

Items items_of(std::shared_ptr<Held> held) {
  return {[held](Bytes& item) {
            if (held->next == held->items.size()) return false;
            item = std::move(held->items[held->next++]);
            return true;
          },
          Encoding::value, Items::Source::in_memory,
          [held](BytesView) { return held->costs[held->next - 1]; }};
}

}  // namespace

CommandItems command_items_in(const std::string& file) {
  CommandItems all;
  std::map<Require, std::size_t> groups;
  std::vector<std::shared_ptr<Held>> held;
  Records records({file}, '\n');
  std::uint64_t number = 0;
  for (std::string text; records.next(text);) {
    ++number;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      Line line = line_in(text);
      const auto [at, added] = groups.emplace(line.require, held.size());
      if (added) {
        held.push_back(std::make_shared<Held>());
        all.groups.push_back({line.require, {}});
      }
      held[at->second]->items.push_back(to_bytes(line.item));
      all.arguments.push_back(std::move(line.item.arguments));
      held[at->second]->costs.push_back(line.cost);
      all.order.push_back(at->second);
    } catch (const FileError& error) {
      throw FileError((file == "-" ? std::string("standard input") : file) + ", line " +
                      std::to_string(number) + ": " + error.what());
    }
  }
  for (std::size_t i = 0; i < held.size(); ++i) all.groups[i].items = items_of(held[i]);
  return all;
}

}  // namespace quern::cli
