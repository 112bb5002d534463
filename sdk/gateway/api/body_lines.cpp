#include "gateway/api/body_lines.hpp"

#include <utility>

#include "quern/error.hpp"

namespace quern::gateway {
namespace {

constexpr std::size_t kLineMost = 64u << 20;  // the limit of an item

}  // namespace

bool BodyLines::next(std::string& line) {
  for (;;) {
    const std::size_t end = text_.find('\n', searched_);
    if (end != text_.npos) {
      line = text_.substr(begin_, end - begin_);
      begin_ = searched_ = end + 1;
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) return true;
      continue;
    }
    text_.erase(0, begin_);
    begin_ = 0;
    searched_ = text_.size();
    if (searched_ > kLineMost) throw Error(ErrorCode::limit, "a line has more than 64 MiB");
    auto block = exchange_->read();
    if (block) {
      text_ += *block;
      continue;
    }
    if (!exchange_->body_is_whole())
      throw Error(ErrorCode::cancelled, "the client left before the end of its items");
    line = std::exchange(text_, {});
    searched_ = 0;
    return !line.empty();
  }
}

}  // namespace quern::gateway
