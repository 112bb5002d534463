#include "worker/actors/folder.hpp"

#include <stdexcept>

namespace quern::worker {
namespace {

std::string failure(const std::string& reducer, const std::string& text) {
  return "reducer '" + reducer + "' failed: " + text;
}

}  // namespace

std::optional<Reducer> Reducer::find(const std::string& name, const Functions& functions) {
  Reducer found;
  found.name_ = name;
  found.builtin_ = wire::builtin_reducer(name);
  if (!found.builtin_) found.named_ = functions.find_reducer(name);
  if (!found.builtin_ && !found.named_) return std::nullopt;
  return found;
}

Bytes Reducer::fold(Bytes left, BytesView right) const {
  if (builtin_) {
    if (auto error = wire::fold(*builtin_, left, right)) throw std::runtime_error(error->text);
    return left;
  }
  try {
    return named_->fold(left, right);
  } catch (const Permanent& error) {
    throw Permanent(failure(name_, error.what()));
  } catch (const FailedWithOutput& error) {  // its output is of no use: a reduction has one value
    const std::string text = failure(name_, error.what());
    if (error.permanent()) throw Permanent(text);
    throw std::runtime_error(text);
  } catch (const std::exception& error) {
    throw std::runtime_error(failure(name_, error.what()));
  } catch (...) {
    throw std::runtime_error(failure(name_, "it threw something that is not a std::exception"));
  }
}

void Folder::add(Bytes partial) {
  stack_.push_back({std::move(partial), 0});
  // Built-in partials do not grow with what they cover (concat appends in place), so they are
  // folded at once.
  const bool at_once = reducer_.builtin().has_value();
  while (stack_.size() > 1 && (at_once || stack_[stack_.size() - 2].rank == stack_.back().rank))
    fold_last_two();
}

Bytes Folder::take() {
  while (stack_.size() > 1) fold_last_two();
  Bytes all = std::move(stack_.back().bytes);
  stack_.clear();
  return all;
}

void Folder::fold_last_two() {
  const Piece right = std::move(stack_.back());
  stack_.pop_back();
  Piece& left = stack_.back();
  left.bytes = reducer_.fold(std::move(left.bytes), right.bytes);
  ++left.rank;
}

}  // namespace quern::worker
