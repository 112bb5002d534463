#include "cli/syntax/grant_options.hpp"

#include <algorithm>
#include <ctime>

#include "keys/authorized_keys.hpp"
#include "keys/error.hpp"

namespace quern::cli {
namespace {

/// Options of a grant, as on the command line and in the file.
constexpr std::pair<const char*, const char*> kLimits[] = {
    {"functions", "patterns of functions it may submit or serve, with commas between"},
    {"jobs", "patterns of names its jobs may have"},
    {"reads", "patterns of names of others' jobs whose state it may see (role read)"},
    {"from", "addresses or networks it may connect from, e.g. 10.0.0.0/24"},
    {"max-tasks", "tasks queued at a time"},
    {"max-bytes", "bytes of payloads and results held for it"},
    {"max-jobs", "unfinished jobs at a time"},
    {"max-rate", "tasks submitted per second"},
    {"max-priority", "highest priority it may use"},
    {"weight", "share of the workers; default 1"},
    {"expires", "2027-01-31 or 2027-01-31T12:00:00Z; from then on it opens nothing"},
};

}  // namespace

void add_grant_options(Syntax& syntax) {
  syntax.add()("role", option<std::string>("ROLES"),
               "submit, work, read, admin; several with commas between");
  for (const auto& [name, meaning] : kLimits) syntax.add()(name, option<std::string>("V"), meaning);
}

keys::Grant grant_of(const Given& given) {
  if (!given.has("role")) throw UsageError("--role is missing: submit, work, read or admin");
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
                     " is past: the key would open nothing");
  if (!grant.reads.empty() && !grant.may(keys::GrantRole::read))
    throw UsageError("--reads says which jobs of others the role read may see: add it to --role");
  return grant;
}

}  // namespace quern::cli
