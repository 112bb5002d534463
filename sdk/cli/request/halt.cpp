#include "cli/request/halt.hpp"

#include <algorithm>
#include <charconv>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr std::uint64_t kPercentFrom =
    3;  // commands that must have ended before a percentage is meaningful, as in GNU parallel

}  // namespace

Halt Halt::from(const std::string& text) {
  const auto bad = [&] {
    return UsageError(
        "--halt takes never, or for example now,fail=1, soon,fail=10% or now,success=1; not '" +
        text + "'");
  };
  Halt halt;
  if (text == "never") return halt;
  const auto comma = text.find(','), equals = text.find('=');
  if (comma == std::string::npos || equals == std::string::npos || equals < comma) throw bad();
  const std::string when = text.substr(0, comma), why = text.substr(comma + 1, equals - comma - 1);
  std::string limit = text.substr(equals + 1);
  if (when == "now")
    halt.when_ = When::now;
  else if (when == "soon")
    halt.when_ = When::soon;
  else
    throw bad();
  if (why == "fail")
    halt.why_ = Why::fail;
  else if (why == "success")
    halt.why_ = Why::success;
  else if (why == "done")
    halt.why_ = Why::done;
  else
    throw bad();
  halt.percent_ = limit.ends_with('%');
  if (halt.percent_) limit.pop_back();
  const auto [end, error] = std::from_chars(limit.data(), limit.data() + limit.size(), halt.limit_);
  if (error != std::errc() || end != limit.data() + limit.size() || !(halt.limit_ > 0) ||
      (halt.percent_ && halt.limit_ > 100))
    throw bad();
  return halt;
}

Halt::When Halt::on_result(bool ok, std::uint64_t known) {
  ++ended_;
  if (why_ == Why::done || ok == (why_ == Why::success)) ++count_;
  if (when_ == When::never || halted_) return When::never;
  const bool enough = percent_
                          ? ended_ >= kPercentFrom &&
                                static_cast<double>(count_) * 100 >=
                                    limit_ * static_cast<double>(std::max<std::uint64_t>(known, 1))
                          : static_cast<double>(count_) >= limit_;
  if (!enough) return When::never;
  halted_ = true;
  return when_;
}

}  // namespace quern::cli
