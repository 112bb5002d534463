// The file that says who may do what: a line per key, read by the broker, edited by people and by
// `quern keys`.
//
//   NAME KEY ROLES [OPTION=VALUE]...
//   lab3 4kXq...(40 characters of Z85) work functions=wordcount,merge_* expires=2027-01-31
//
// Lists are separated by commas. A line that begins with # is a comment. A name may have several
// keys (one per machine), a key has one line. An invalid line grants nothing and is reported; the
// others are valid.
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

/// The content of the file. Comments and invalid lines are preserved.
class AuthorizedKeys {
 public:
  static AuthorizedKeys parse(std::string_view text);
  std::string text() const;

  std::vector<Grant> grants() const;
  /// "line 3: ..." for each invalid line.
  const std::vector<std::string>& problems() const { return problems_; }

  /// Throws KeyError if the key already exists.
  void add(const Grant& grant);
  /// Removes every line with that name or key; returns their number.
  std::size_t remove(std::string_view name_or_key);
  /// The same, permanently: each line becomes a comment that prevents its key from being enrolled
  /// again.
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
