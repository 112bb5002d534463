// The submission of a job with a handle of its own: who the job is, and whether the broker has it.
#include <algorithm>

#include "client/failure.hpp"
#include "client/full_job.hpp"

namespace quern::client {

FullJob::Kind FullJob::kind_of(const Input& input, const SubmitOptions& options) {
  if (!options.follow) return Kind::unfollowed;
  const bool single = std::holds_alternative<Whole>(input) && options.reduce.empty();
  return single ? Kind::single : Kind::own;
}

// ---- from the actor, and from the source of the input

void FullJob::on_accepted(const Accepted& accepted) {
  Lock lock(mutex_);
  uuid_ = accepted.uuid;
  number_ = accepted.number;
  existing_ = accepted.existing;
  if (taken_ == Taken::submitted) taken_ = kind_ == Kind::guest ? Taken::complete : Taken::accepted;
  wake();
  tell_intake(lock);
}

void FullJob::on_input_taken() {
  Lock lock(mutex_);
  taken_ = Taken::complete;
  wake();
  tell_intake(lock);
}

void FullJob::fail_source(std::exception_ptr error) {
  {
    Lock lock(mutex_);
    if (!source_error_) source_error_ = std::move(error);
    wake();
    if (!intake_callbacks_.empty()) outbox_->post(ShowProgressCommand{weak_from_this()});
  }
  outbox_->post(CancelCommand{key_, {}});
}

// ---- who the job is

JobNumber FullJob::number_if_known() {
  Lock lock(mutex_);
  return number_;
}

Uuid FullJob::uuid() {
  Lock lock(mutex_);
  return uuid_;
}

JobNumber FullJob::number() {
  Lock lock(mutex_);
  while (value(number_) == 0 && !ended_) pause(lock);
  if (value(number_) == 0) throw_end();
  return number_;
}

std::string FullJob::id() { return std::to_string(value(number())); }

bool FullJob::existing() {
  number();
  Lock lock(mutex_);
  return existing_;
}

// ---- whether the broker has it

bool FullJob::intake_is_decided() const {
  return taken_ == Taken::complete || ended_ || source_error_;
}

bool FullJob::is_taken() {
  Lock lock(mutex_);
  return intake_is_decided();
}

void FullJob::wait_until_taken(std::chrono::milliseconds at_most) {
  Lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + at_most;
  ++waiting_;
  while (!intake_is_decided())
    if (changed_.wait_until(lock, until) == std::cv_status::timeout) break;
  --waiting_;
}

void FullJob::wait_for_intake() {
  Lock lock(mutex_);
  while (!intake_is_decided()) pause(lock);
  if (taken_ != Taken::complete || source_error_) throw_end();
}

Intake FullJob::intake_locked() const {
  Intake intake{ErrorCode::none, {}, uuid_, number_, existing_};
  if (taken_ == Taken::complete && !source_error_) return intake;
  const Failure why = source_error_ ? failure_of(source_error_) : ended_->failure;
  intake.code = why.code;
  intake.text = why.text;
  return intake;
}

void FullJob::on_intake(IntakeCallback callback) {
  Lock lock(mutex_);
  intake_callbacks_.push_back(outbox_->bound(std::move(callback)));
  if (intake_is_decided()) outbox_->post(ShowProgressCommand{weak_from_this()});
}

void FullJob::tell_intake(Lock& lock) {
  if (intake_callbacks_.empty() || !intake_is_decided()) return;
  const Intake intake = intake_locked();
  auto callbacks = std::exchange(intake_callbacks_, {});
  lock.unlock();
  for (const IntakeCallback& callback : callbacks) {
    try {
      callback(intake);
    } catch (...) {
      // As documented: an exception of the user's callback is dropped.
    }
  }
  callbacks.clear();  // also without the lock: they may own the last handle
  lock.lock();
}

}  // namespace quern::client
