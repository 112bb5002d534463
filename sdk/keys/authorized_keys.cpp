#include "keys/authorized_keys.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "keys/error.hpp"
#include "keys/key_pair.hpp"
#include "notation/moment.hpp"

namespace quern::keys {
namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kRevoked = "# revoked ";  // then the line as it was
constexpr char kOptions[] =
    "functions, jobs, reads, from, max_tasks, max_bytes, max_jobs, max_rate, max_priority, weight, "
    "expires";

/// Removes and returns the next word of `rest`; empty at the end.
std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(kBlank));
  rest.remove_prefix(word.size());
  return word;
}

std::vector<std::string> list_of(std::string_view name, std::string_view value) {
  std::vector<std::string> list;
  while (true) {
    const auto comma = value.find(',');
    if (comma == 0 || value.empty())
      throw KeyError(std::string(name) + "=: the list has an empty entry");
    list.emplace_back(value.substr(0, comma));
    if (comma == std::string_view::npos) return list;
    value.remove_prefix(comma + 1);
  }
}

template <typename N>
N number_of(std::string_view name, std::string_view value, N least) {
  N number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  bool good = error == std::errc{} && end == value.data() + value.size() && number >= least;
  if constexpr (std::is_floating_point_v<N>) good = good && std::isfinite(number);
  if (!good)
    throw KeyError(std::string(name) + "=" + std::string(value) +
                   ": not a valid number for this option");
  return number;
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& entry : list) text += (text.empty() ? "" : ",") + entry;
  return text;
}

std::string number_text(double number) {
  char text[32];
  const auto [end, error] = std::to_chars(std::begin(text), std::end(text), number);
  return {text, end};
}

}  // namespace

void set_option(Grant& grant, std::string_view name, std::string_view value) {
  if (value.find_first_of(" \t\r\n") != std::string_view::npos)
    throw KeyError(std::string(name) +
                   ": a value cannot contain spaces (in a pattern, `?` matches any character)");
  if (name == "functions")
    grant.functions = list_of(name, value);
  else if (name == "jobs")
    grant.jobs = list_of(name, value);
  else if (name == "reads")
    grant.reads = list_of(name, value);
  else if (name == "from") {
    grant.from = list_of(name, value);
    for (const auto& pattern : grant.from)
      if (const auto address = pattern.substr(0, pattern.find('/'));
          !address_matches(pattern, address))
        throw KeyError("from=" + pattern + ": not an address or a network such as 10.0.0.0/24");
  } else if (name == "max_tasks")
    grant.max_tasks = number_of<std::uint64_t>(name, value, 0);
  else if (name == "max_bytes")
    grant.max_bytes = number_of<std::uint64_t>(name, value, 0);
  else if (name == "max_jobs")
    grant.max_jobs = number_of<std::uint64_t>(name, value, 0);
  else if (name == "max_rate")
    grant.max_rate = number_of<double>(name, value, 0);
  else if (name == "max_priority")
    grant.max_priority = number_of<std::int32_t>(name, value, INT32_MIN);
  else if (name == "weight")
    grant.weight = number_of<double>(name, value, 1e-6);
  else if (name == "expires")
    grant.expires = time_of(value);
  else
    throw KeyError("'" + std::string(name) + "' is not an option of a key; the options are " +
                   kOptions);
}

Grant grant_of(std::string_view line) {
  Grant grant;
  grant.name = take_word(line);
  if (!is_principal_name(grant.name))
    throw KeyError("'" + grant.name +
                   "' is not a valid name for a key: use up to 64 letters, digits and . _ @ -");
  grant.key = take_word(line);
  if (!is_key(grant.key))
    throw KeyError("the name must be followed by a public key (40 characters of Z85)");
  grant.roles = roles_of(take_word(line));
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    const auto equals = word.find('=');
    if (equals == std::string_view::npos)
      throw KeyError("'" + std::string(word) + "': options have the form NAME=VALUE");
    set_option(grant, word.substr(0, equals), word.substr(equals + 1));
  }
  return grant;
}

std::string line_of(const Grant& grant) {
  std::string line = grant.name + " " + grant.key + " " + role_words(grant.roles);
  const auto put = [&](const char* name, const std::string& value) {
    line += std::string(" ") + name + "=" + value;
  };
  if (!grant.functions.empty()) put("functions", joined(grant.functions));
  if (!grant.jobs.empty()) put("jobs", joined(grant.jobs));
  if (!grant.reads.empty()) put("reads", joined(grant.reads));
  if (!grant.from.empty()) put("from", joined(grant.from));
  if (grant.max_tasks) put("max_tasks", std::to_string(*grant.max_tasks));
  if (grant.max_bytes) put("max_bytes", std::to_string(*grant.max_bytes));
  if (grant.max_jobs) put("max_jobs", std::to_string(*grant.max_jobs));
  if (grant.max_rate) put("max_rate", number_text(*grant.max_rate));
  if (grant.max_priority) put("max_priority", std::to_string(*grant.max_priority));
  if (grant.weight != 1) put("weight", number_text(grant.weight));
  if (grant.expires) put("expires", notation::moment_text(*grant.expires));
  return line;
}

AuthorizedKeys AuthorizedKeys::parse(std::string_view text) {
  AuthorizedKeys file;
  std::unordered_set<std::string> seen;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    Line line{std::string(text.substr(0, end)), false, {}};
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto first = line.text.find_first_not_of(kBlank);
    if (line.text.starts_with(kRevoked)) {
      std::string_view rest = std::string_view(line.text).substr(kRevoked.size());
      take_word(rest);
      file.revoked_.emplace(take_word(rest));
    }
    if (first != std::string::npos && line.text[first] != '#') {
      try {
        line.grant = grant_of(line.text);
        if (!seen.insert(line.grant.key).second)
          throw KeyError("duplicate key; the first entry applies");
        line.grants = true;
      } catch (const KeyError& error) {
        file.problems_.push_back("line " + std::to_string(number) + ": " + error.what());
      }
    }
    file.lines_.push_back(std::move(line));
  }
  return file;
}

std::string AuthorizedKeys::text() const {
  std::string text;
  for (const auto& line : lines_) text += line.text + "\n";
  return text;
}

std::vector<Grant> AuthorizedKeys::grants() const {
  std::vector<Grant> grants;
  for (const auto& line : lines_)
    if (line.grants) grants.push_back(line.grant);
  return grants;
}

void AuthorizedKeys::add(const Grant& grant) {
  for (const auto& line : lines_)
    if (line.grants && line.grant.key == grant.key)
      throw KeyError("this key already exists, as " + line.grant.name);
  lines_.push_back({line_of(grant), true, grant});
}

std::size_t AuthorizedKeys::remove(std::string_view name_or_key) {
  return std::erase_if(lines_, [&](const Line& line) {
    return line.grants && (line.grant.name == name_or_key || line.grant.key == name_or_key);
  });
}

std::size_t AuthorizedKeys::revoke(std::string_view name_or_key) {
  std::size_t count = 0;
  for (Line& line : lines_) {
    if (!line.grants || (line.grant.name != name_or_key && line.grant.key != name_or_key)) continue;
    revoked_.insert(line.grant.key);
    line = {std::string(kRevoked) + line_of(line.grant), false, {}};
    ++count;
  }
  return count;
}

}  // namespace quern::keys
