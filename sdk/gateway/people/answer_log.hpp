// The answers of people on disk, a line of JSON each: an item needs several of them, and the broker
// gets only what comes out in the end.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "gateway/people/desk.hpp"

namespace quern::gateway {

/// One thread at a time. Two gateways cannot use a file at the same time.
class AnswerLog {
 public:
  /// `file`: empty: nothing is kept. Throws std::system_error if it cannot be opened.
  explicit AnswerLog(std::string file);
  ~AnswerLog();
  AnswerLog(const AnswerLog&) = delete;
  AnswerLog& operator=(const AnswerLog&) = delete;

  /// False if another gateway uses the file.
  bool is_ours() const { return is_ours_; }
  /// Gives the desk what was answered before, and drops what is older than 90 days from the file.
  /// @return functions that have items with answers which are not done
  std::set<std::string> load(Desk& desk);
  /// On the disk when it returns. Throws std::system_error.
  void add(const ItemName& name, const std::string& function, const PersonsAnswer& answer,
           bool gold, bool right);
  /// The item is done. `agreed`: what enough people answered.
  void end(const ItemName& name, const std::optional<Json>& agreed);

 private:
  void write(const std::string& line, bool sync);

  const std::string file_;
  int fd_ = -1;
  int lock_ = -1;
  bool is_ours_ = true;
};

}  // namespace quern::gateway
