// When `quern map` stops before the end: --halt as GNU parallel has it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace quern::cli {

class Halt {
 public:
  /// never: continue. soon: start no more, wait for running commands. now: also end running
  /// commands.
  enum class When : unsigned char { never, soon, now };

  Halt() = default;
  /// "never", or WHEN,WHY=N where WHEN is `now` or `soon`, WHY is `fail`, `success` or `done`, and
  /// N a number or a percentage ("10%"). Throws UsageError.
  static Halt from(const std::string& text);

  /// Called after each command; returns what to do, once. `known`: the number of commands known so
  /// far.
  When on_result(bool ok, std::uint64_t known);
  /// Whether it stopped because commands succeeded.
  bool content() const { return halted_ && why_ == Why::success; }
  bool halted() const { return halted_; }

 private:
  enum class Why : unsigned char { fail, success, done };
  When when_ = When::never;
  Why why_ = Why::fail;
  double limit_ = 0;
  bool percent_ = false;
  std::uint64_t count_ = 0;  // of results that count towards the limit
  std::uint64_t ended_ = 0;
  bool halted_ = false;
};

}  // namespace quern::cli
