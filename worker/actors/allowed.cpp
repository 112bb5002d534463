#include "worker/actors/allowed.hpp"

#include <algorithm>
#include <set>

#include "wire/glob.hpp"
#include "worker/actors/options.hpp"

namespace quern::worker {
namespace {

std::set<std::string> names_of(const Functions& all) {
  std::set<std::string> names;
  for (const auto& entry : all.functions()) names.insert(entry.decl.name);
  for (const auto& entry : all.reducers()) names.insert(entry.decl.name);
  return names;
}

void check_patterns(const std::vector<std::string>& patterns, const std::set<std::string>& names) {
  for (const auto& pattern : patterns) {
    if (std::any_of(names.begin(), names.end(),
                    [&](const auto& name) { return wire::matches(pattern, name); }))
      continue;
    std::string known;
    for (const auto& name : names) known += " " + name;
    throw UsageError("--allow " + pattern +
                     ": this worker has no function or reducer with that name; it has" + known);
  }
}

}  // namespace

Functions only_allowed(const Functions& all, const std::vector<std::string>& patterns) {
  check_patterns(patterns, names_of(all));
  const auto allowed = [&](const std::string& name) { return wire::matches_any(patterns, name); };
  Functions some;
  for (const auto& entry : all.functions())
    if (allowed(entry.decl.name)) some.add_entry(entry);
  for (const auto& entry : all.reducers())
    if (allowed(entry.decl.name)) some.add_reducer_body(entry.decl, entry.fold);
  return some;
}

}  // namespace quern::worker
