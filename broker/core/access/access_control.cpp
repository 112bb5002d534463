#include "broker/core/access/access_control.hpp"

#include <algorithm>
#include <utility>

#include "wire/glob.hpp"

namespace quern::broker {
namespace {

Principal make_anonymous() {
  Principal principal;
  principal.name = "anonymous";
  principal.rights = kAllRights;
  return principal;
}

const Principal kAnonymous = make_anonymous();

}  // namespace

const Principal* AccessControl::principal_of(const std::string& user) const {
  if (context_.config.open) return &kAnonymous;
  const auto it = principals_.find(user);
  return it == principals_.end() ? nullptr : &it->second;
}

const Principal* AccessControl::principal_named(const std::string& name) const {
  if (context_.config.open) return &kAnonymous;
  const auto it = std::find_if(principals_.begin(), principals_.end(),
                               [&](const auto& entry) { return entry.second.name == name; });
  return it == principals_.end() ? nullptr : &it->second;
}

bool AccessControl::may_submit(const std::string& principal, const std::string& function,
                               const std::string& job) const {
  if (context_.config.open) return true;
  return std::any_of(principals_.begin(), principals_.end(), [&](const auto& entry) {
    const Principal& p = entry.second;
    return p.name == principal && p.may(Right::submit) &&
           (p.functions.empty() || wire::matches_any(p.functions, function)) &&
           (p.jobs.empty() || wire::matches_any(p.jobs, job));
  });
}

void AccessControl::record(PeerId peer, std::string principal, std::string_view action,
                           std::string object, bool allowed, std::string reason) {
  if (!context_.config.audit) return;
  context_.effects.push_back(Audit{peer, std::move(principal), std::string(action),
                                   std::move(object), allowed, std::move(reason)});
}

void AccessControl::set_principals(Principals&& principals, bool invitations_open) {
  const Principals before = std::exchange(principals_, std::move(principals));
  if (invitations_open != invitations_open_)
    record({}, "operator", invitations_open ? "open invitation" : "close invitation", "", true, "");
  invitations_open_ = invitations_open;
  record_changes(before);
}

void AccessControl::record_changes(const Principals& before) {
  const auto say = [&](const Principal& principal, const std::string& key, const char* what) {
    record({}, "operator", what, principal.name + " " + key, true,
           rights_text(principal.rights) + (principal.terms.empty() ? "" : "; " + principal.terms));
  };
  if (!std::exchange(keys_known_, true)) {  // at the start, nobody has changed anything
    record({}, "broker", "read keys", std::to_string(principals_.size()) + " keys", true, "");
    return;
  }
  for (const auto& [key, principal] : principals_) {
    const auto known = before.find(key);
    if (known == before.end())
      say(principal, key, "add key");
    else if (known->second != principal)
      say(principal, key, "change key");
  }
  for (const auto& [key, principal] : before)
    if (!principals_.contains(key)) say(principal, key, "revoke key");
}

void AccessControl::set_audit_trouble(const std::string& why) {
  if (why == audit_trouble_) return;
  if (why.empty())
    context_.note("the audit log can be written again");
  else
    context_.warn("the audit log cannot be written: " + why +
                  "; requests that need the role `admin` and new keys are refused until it can");
  audit_trouble_ = why;
}

}  // namespace quern::broker
