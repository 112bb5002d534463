#include "client/input_ledger.hpp"

#include <algorithm>

namespace quern::client {
namespace {

std::uint64_t weight_of(const wire::Batch& batch) {
  return batch.count() == 0 ? 0 : batch.weight();
}

}  // namespace

InputLedger::InputLedger(const wire::Batch& batch, Rest rest) : tasks_(batch.count()) {
  // SUBMIT itself is sent again until it is answered, so its batch is not kept here a second time.
  sent_weight_ = accepted_weight_ = weight_of(batch);
  accepted_to_ = tasks_;
  end_ = rest == Rest::comes ? End::open : End::unneeded;
}

void InputLedger::append(wire::Batch batch, Rest rest, std::vector<float> costs) {
  if (end_ != End::open) return;
  if (batch.count() > 0) {
    const std::uint64_t first = tasks_;
    tasks_ += batch.count();
    kept_.push_back({first, std::move(batch), std::move(costs)});
  }
  if (rest == Rest::none) end_ = End::due;
}

std::vector<wire::Batch> InputLedger::take_kept() {
  std::vector<wire::Batch> batches;
  for (Kept& kept : kept_) batches.push_back(std::move(kept.batch));
  kept_.clear();
  return batches;
}

void InputLedger::stop() {
  if (end_ != End::open && end_ != End::due) return;
  kept_.resize(unsent_);
  tasks_ = kept_.empty() ? accepted_to_ : kept_.back().end();
  end_ = End::sent;
}

void InputLedger::on_accepted(std::uint64_t accepted_to, std::uint64_t credit_to) {
  accepted_to_ = std::max(accepted_to_, std::min(accepted_to, tasks_));
  credit_to_ = std::max(credit_to_, credit_to);
  trim();
}

void InputLedger::trim() {
  while (!kept_.empty() && kept_.front().end() <= accepted_to_) {
    accepted_weight_ += weight_of(kept_.front().batch);
    if (unsent_ > 0) {
      --unsent_;
    } else {
      sent_weight_ +=
          weight_of(kept_.front().batch);  // sent in an earlier session, in which it arrived
    }
    kept_.pop_front();
  }
}

void InputLedger::on_resumed(std::uint64_t accepted_to, std::uint64_t credit_to) {
  on_accepted(accepted_to, credit_to);
  unsent_ = 0;
  sent_weight_ = accepted_weight_;
  if (end_ == End::sent)
    end_ =
        End::due;  // ACCEPTED does not say whether the close arrived; sending it twice is harmless
}

std::optional<Piece> InputLedger::next_piece() {
  if (unsent_ < kept_.size()) {
    const Kept& next = kept_[unsent_];
    const std::uint64_t weight = weight_of(next.batch);
    // One item may exceed the remaining credit (PROTOCOL.md, "Jobs"); otherwise an item larger than
    // the credit could never be sent.
    const std::uint64_t charged = next.batch.count() == 1 ? 1 : weight;
    if (sent_weight_ + charged > credit_to_) return std::nullopt;
    sent_weight_ += weight;
    ++unsent_;
    const bool close = end_ == End::due && unsent_ == kept_.size();
    if (close) end_ = End::sent;
    return Piece{next.first, next.batch, close, next.costs};
  }
  if (end_ != End::due) return std::nullopt;
  end_ = End::sent;
  return Piece{tasks_, {}, true, {}};  // no payload: needs no credit
}

bool InputLedger::wants_input() const {
  return end_ == End::open && unsent_ == kept_.size() && sent_weight_ < credit_to_;
}

std::uint64_t InputLedger::sent_to() const {
  return unsent_ == kept_.size() ? tasks_ : kept_[unsent_].first;
}

const char* InputLedger::broken() const {
  if (unsent_ > kept_.size()) return "more batches sent than kept";
  std::uint64_t weight = accepted_weight_;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (kept_[i].batch.count() == 0) return "an empty batch is kept";
    if (kept_[i].end() <= accepted_to_) return "an accepted batch is kept";
    if (i > 0 && kept_[i].first != kept_[i - 1].end()) return "a gap between batches";
    if (i < unsent_) weight += weight_of(kept_[i].batch);
  }
  if (weight != sent_weight_) return "the weight sent does not add up";
  if (!kept_.empty() && kept_.back().end() != tasks_) return "tasks without a batch";
  if (kept_.empty() && accepted_to_ != tasks_) return "tasks that are neither kept nor accepted";
  return nullptr;
}

}  // namespace quern::client
