#include "cli/request/item_feed.hpp"

#include <algorithm>

#include "cli/output/shown_command.hpp"
#include "cli/request/command_files.hpp"

namespace quern::cli {
namespace {

// Enough to keep many workers busy, and small enough to be held in memory everywhere.
constexpr std::uint64_t kItemsAhead = 100'000;
constexpr std::uint64_t kBytesAhead = 24u << 20;
constexpr std::uint64_t kNoLimit = static_cast<std::uint64_t>(-1);

std::string item_of(const std::vector<std::string>& arguments) {
  std::string item;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) item += '\0';
    item += arguments[i];
  }
  return item;
}

}  // namespace

ItemFeed::ItemFeed(const MapRequest& request, LoggedCommands log,
                   std::function<void(const std::string&)> say)
    : shape_(request.shape),
      block_bytes_(request.block_bytes),
      numbered_(request.command.numbered),
      put_each_(request.put_each),
      log_(std::move(log)),
      say_(std::move(say)),
      shown_(request.shown),
      remembers_(!request.detach && (request.command.numbered || request.wants_arguments())),
      remembers_arguments_(request.wants_arguments()),
      // Nobody reads the results of a detached job, so only the broker's credit limits its intake.
      window_(request.detach        ? kNoLimit
              : request.at_once > 0 ? request.at_once
                                    : kItemsAhead,
              request.detach ? kNoLimit
                             : std::max<std::uint64_t>(kBytesAhead, 4 * request.block_bytes)) {
  if (!request.lists.empty())
    arguments_ = arguments_of(request.lists, request.group, request.linked);
  else
    records_ = std::make_unique<Records>(request.files, request.record_end);
  if (shape_ == MapRequest::Shape::arguments && records_)
    arguments_ = arguments_of(std::move(records_), request.group);
}

bool ItemFeed::next(Bytes& item) {
  switch (shape_) {
    case MapRequest::Shape::arguments:
      if (!next_arguments(item)) return false;
      break;
    case MapRequest::Shape::answers:
      if (records_ ? !records_->next(item) : !next_arguments(item)) return false;
      break;
    case MapRequest::Shape::blocks:
      item.clear();
      // An empty input is one empty block, so that the program decides what the result of no input
      // is.
      if (!records_->next_block(item, block_bytes_) && !first_) return false;
      if (item.empty() && !first_) return false;
      break;
  }
  first_ = false;
  return window_.enter(item.size());
}

bool ItemFeed::next_not_done(std::vector<std::string>& arguments) {
  while (arguments_->next(arguments)) {
    ++number_;
    if (log_.empty()) return true;
    const LoggedCommands::Found found =
        log_.take(number_, on_one_line(shown_command(shown_, arguments, number_)));
    if (!found.trouble.empty()) say_(found.trouble);
    if (!found.done) return true;
  }
  return false;
}

bool ItemFeed::next_arguments(Bytes& item) {
  std::vector<std::string> arguments;
  if (!next_not_done(arguments)) return false;
  if (!put_each_.empty()) {
    CommandItem whole{.arguments = arguments, .env = {}, .cwd = {}, .number = number_};
    const std::vector<BytesView> views(arguments.begin(), arguments.end());
    for (const auto& name : put_each_) add_files(whole.files, expand_word(name, views, number_));
    item = to_bytes(whole);
  } else {
    item = item_of(arguments);
  }
  if (numbered_ && put_each_.empty()) item = std::to_string(number_) + '\0' + item;
  if (!remembers_) return true;
  std::lock_guard lock(mutex_);
  fed_[index_++] = {number_,
                    remembers_arguments_ ? std::move(arguments) : std::vector<std::string>()};
  return true;
}

Fed ItemFeed::take(std::uint64_t index) {
  std::lock_guard lock(mutex_);
  const auto at = fed_.find(index);
  if (at == fed_.end()) return {index + 1};
  Fed fed = std::move(at->second);
  fed_.erase(at);
  return fed;
}

}  // namespace quern::cli
