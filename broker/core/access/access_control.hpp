// Who may do what: the known keys, and what goes into the audit log.
//
// Owns the principals. `access.hpp` has the rules; this class determines to whom they apply.
#pragma once

#include <string>
#include <string_view>

#include "broker/core/access/access.hpp"
#include "broker/core/access/principal.hpp"
#include "broker/core/base/context.hpp"

namespace quern::broker {

class AccessControl {
 public:
  explicit AccessControl(Context& context) : context_(context) {}

  /// The owner of this key; nullptr if the key is unknown. Without keys (Config::open), everybody
  /// is `anonymous`.
  const Principal* principal_of(const std::string& user) const;
  /// The principal with this name; nullptr if there is none (with several keys: one of them).
  const Principal* principal_named(const std::string& name) const;
  const Principals& principals() const { return principals_; }
  /// Whether a key of this principal may submit a job of this function with this name.
  bool may_submit(const std::string& principal, const std::string& function,
                  const std::string& job) const;
  /// Replaces all principals and records what has changed. `invitations_open`: unknown keys may
  /// enrol.
  void set_principals(Principals&& principals, bool invitations_open);
  bool invitations_open() const { return invitations_open_; }

  /// Adds a line to the audit log, if there is one.
  void record(PeerId peer, std::string principal, std::string_view action, std::string object,
              bool allowed, std::string reason);
  /// The audit log cannot be written (empty: it can again): privileged requests are refused.
  void set_audit_trouble(const std::string& why);
  const std::string& audit_trouble() const { return audit_trouble_; }

 private:
  void record_changes(const Principals& before);

  Context& context_;
  Principals principals_;
  bool invitations_open_ = false;
  bool keys_known_ = false;    ///< the first list of keys is not a change
  std::string audit_trouble_;  ///< why the audit log cannot be written; empty: it can
};

}  // namespace quern::broker
