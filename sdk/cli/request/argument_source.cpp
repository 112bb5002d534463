#include "cli/request/argument_source.hpp"

#include <algorithm>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

class RecordArguments final : public ArgumentSource {
 public:
  RecordArguments(std::unique_ptr<Records> records, std::size_t group)
      : records_(std::move(records)), group_(group) {}

  bool next(std::vector<std::string>& arguments) override {
    arguments.clear();
    for (std::string record; arguments.size() < group_ && records_->next(record);) {
      ++number_;
      // An argument of a program ends at a NUL, so it cannot contain one.
      if (record.find('\0') != std::string::npos)
        throw FileError(
            "line " + std::to_string(number_) +
            " of the input contains a NUL character; use -0 if NULs separate the arguments");
      arguments.push_back(record);
    }
    return !arguments.empty();
  }

 private:
  std::unique_ptr<Records> records_;
  std::size_t group_;
  std::uint64_t number_ = 0;
};

class ListArguments final : public ArgumentSource {
 public:
  ListArguments(std::vector<std::vector<std::string>> lists, std::size_t group,
                std::vector<bool> linked)
      : lists_(std::move(lists)), linked_(std::move(linked)), group_(group), at_(lists_.size(), 0) {
    linked_.resize(lists_.size(), false);
    for (std::size_t i = lists_.size(); i-- > 1;)
      if (linked_[i]) shorten(lists_[i], lists_[i - 1]);
    for (std::size_t i = 1; i < lists_.size(); ++i)
      if (linked_[i]) shorten(lists_[i], lists_[i - 1]);
    over_ =
        std::any_of(lists_.begin(), lists_.end(), [](const auto& list) { return list.empty(); });
  }

  bool next(std::vector<std::string>& arguments) override {
    arguments.clear();
    while (!over_ && (arguments.empty() || (lists_.size() == 1 && arguments.size() < group_))) {
      for (std::size_t i = 0; i < lists_.size(); ++i) arguments.push_back(lists_[i][at_[i]]);
      go_on();
    }
    return !arguments.empty();
  }

 private:
  /// The last list changes fastest.
  void go_on() {
    for (std::size_t i = lists_.size(); i-- > 0;) {
      const bool moved = ++at_[i] < lists_[i].size();
      if (!moved) at_[i] = 0;
      if (moved && !linked_[i]) return;
    }
    over_ = true;
  }

  /// Cuts both to the length of the shorter one.
  static void shorten(std::vector<std::string>& one, std::vector<std::string>& other) {
    const std::size_t least = std::min(one.size(), other.size());
    one.resize(least);
    other.resize(least);
  }

  std::vector<std::vector<std::string>> lists_;
  std::vector<bool> linked_;
  std::size_t group_;
  std::vector<std::size_t> at_;
  bool over_ = false;
};

}  // namespace

std::unique_ptr<ArgumentSource> arguments_of(std::unique_ptr<Records> records, std::size_t group) {
  return std::make_unique<RecordArguments>(std::move(records), group);
}

std::unique_ptr<ArgumentSource> arguments_of(std::vector<std::vector<std::string>> lists,
                                             std::size_t group, std::vector<bool> linked) {
  return std::make_unique<ListArguments>(std::move(lists), group, std::move(linked));
}

}  // namespace quern::cli
