// The file that says who may do what: a line per key, read by the broker, edited by people and by
// `quern keys`.
//
//   NAME KEY ROLES [OPTION=VALUE]...
//   lab3 4kXq...(40 characters of Z85) work functions=wordcount,merge_* expires=2027-01-31
//
// Lists have commas between. A line that begins with # is a comment. A name may have several keys
// (one machine each), a key has one line. A line that cannot be read grants nothing, and is said;
// the others hold.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "keys/grant.hpp"

namespace quern::keys {

/// One line as a grant. Throws KeyError.
Grant grant_of(std::string_view line);
std::string line_of(const Grant& grant);
/// Sets one option ("functions", "a,b") of a grant. Throws KeyError that lists the options.
void set_option(Grant& grant, std::string_view name, std::string_view value);

/// The file's content. Comments and lines that cannot be read stay where they are.
class AuthorizedKeys {
 public:
  static AuthorizedKeys parse(std::string_view text);
  std::string text() const;

  std::vector<Grant> grants() const;
  /// "line 3: ..." for each line that grants nothing though it should.
  const std::vector<std::string>& problems() const { return problems_; }

  /// Throws KeyError when the key is there already.
  void add(const Grant& grant);
  /// Removes every line of that name, or with that key; how many they were.
  std::size_t remove(std::string_view name_or_key);
  /// The same, and for good: what is left of each is a comment that keeps its key from being
  /// enrolled again.
  std::size_t revoke(std::string_view name_or_key);
  bool was_revoked(std::string_view key) const { return revoked_.contains(key); }

 private:
  struct Line {
    std::string text;
    bool grants = false;
    Grant grant;
  };
  std::vector<Line> lines_;
  std::vector<std::string> problems_;
  std::set<std::string, std::less<>> revoked_;
};

}  // namespace quern::keys
