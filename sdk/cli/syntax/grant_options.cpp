#include "cli/syntax/grant_options.hpp"

#include <algorithm>
#include <ctime>

#include "keys/authorized_keys.hpp"
#include "keys/error.hpp"

namespace quern::cli {
namespace {

/// Options of a grant, with the same names on the command line and in the file.
constexpr std::pair<const char*, const char*> kLimits[] = {
    {"functions", "patterns of functions that it may submit or serve, separated by commas"},
    {"jobs", "patterns of names that its jobs may have"},
    {"reads", "patterns of names of others' jobs whose state it may see (requires the role read)"},
    {"from", "addresses or networks that it may connect from, e.g. 10.0.0.0/24"},
    {"max-tasks", "maximum number of queued tasks"},
    {"max-bytes", "maximum number of bytes of its payloads and results at the broker"},
    {"max-jobs", "maximum number of unfinished jobs"},
    {"max-rate", "maximum number of tasks submitted per second"},
    {"max-priority", "highest priority that it may use"},
    {"weight", "share of the workers; default 1"},
    {"expires", "when the key expires: 2027-01-31 or 2027-01-31T12:00:00Z"},
};

}  // namespace

void add_grant_options(Syntax& syntax) {
  syntax.add()("role", option<std::string>("ROLES"),
               "submit, work, read, admin; several are separated by commas");
  for (const auto& [name, meaning] : kLimits) syntax.add()(name, option<std::string>("V"), meaning);
}

keys::Grant grant_of(const Given& given) {
  if (!given.has("role")) throw UsageError("--role is missing; give submit, work, read or admin");
  keys::Grant grant;
  try {
    grant.roles = keys::roles_of(given.get<std::string>("role"));
  } catch (const keys::KeyError& error) {
    throw UsageError(std::string("--role: ") + error.what());
  }
  for (const auto& [name, meaning] : kLimits) {
    if (!given.has(name)) continue;
    std::string in_file = name;
    std::replace(in_file.begin(), in_file.end(), '-', '_');
    try {
      keys::set_option(grant, in_file, given.get<std::string>(name));
    } catch (const keys::KeyError& error) {
      const std::string text = error.what();
      throw UsageError((text.starts_with(name) ? "--" : "--" + std::string(name) + ": ") + text);
    }
  }
  if (grant.expires && *grant.expires <= std::time(nullptr))
    throw UsageError("--expires " + given.get<std::string>("expires") +
                     " is in the past; the key would never be accepted");
  if (!grant.reads.empty() && !grant.may(keys::GrantRole::read))
    throw UsageError("--reads limits the role read; add read to --role");
  return grant;
}

}  // namespace quern::cli
