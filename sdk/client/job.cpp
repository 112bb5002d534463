#include "quern/job.hpp"

#include "client/callbacks.hpp"
#include "client/handle.hpp"

namespace quern {
namespace {

client::JobHandle& in(const std::shared_ptr<client::JobHandle>& handle) {
  if (!handle)
    throw Error(ErrorCode::unknown_job,
                "this Job is empty; use one that submit() or attach() returned");
  return *handle;
}

client::JobHandle& blocking(const char* call, const std::shared_ptr<client::JobHandle>& handle) {
  client::check_may_block(call);
  return in(handle);
}

}  // namespace

Uuid Job::uuid() const { return in(handle_).uuid(); }
JobNumber Job::number() const { return blocking("Job::number()", handle_).number(); }
std::string Job::id() const { return blocking("Job::id()", handle_).id(); }
JobEdge Job::edge(EdgePattern pattern) const {
  client::JobHandle& handle = in(handle_);
  if (!handle.is_a_job())
    throw Error(ErrorCode::bad_input,
                "this input was coalesced with others, so it is not a job of its own: submit it "
                "with `detach` or `unique` to take its result from another job");
  JobEdge edge;
  edge.uuid = handle.uuid();
  edge.pattern = pattern;
  return edge;
}
bool Job::existing() const { return blocking("Job::existing()", handle_).existing(); }
void Job::on_intake(std::function<void(const Intake&)> callback) const {
  in(handle_).on_intake(std::move(callback));
}
void Job::wait_for_intake() const { blocking("Job::wait_for_intake()", handle_).wait_for_intake(); }
Outcome Job::wait(std::optional<std::chrono::milliseconds> timeout) const {
  if (handle_ && (timeout && timeout->count() == 0)) return handle_->wait(timeout);
  if (handle_) return blocking("Job::wait()", handle_).wait(timeout);
  Outcome outcome;
  outcome.state = JobState::lost;
  outcome.code = ErrorCode::unknown_job;
  outcome.text = "this Job is empty; use one that submit() or attach() returned";
  return outcome;
}
std::optional<Bytes> Job::get_optional() const {
  return blocking("Job::get()", handle_).get_optional();
}
Bytes Job::get() const {
  auto bytes = get_optional();
  if (!bytes)
    throw JobError(ErrorCode::bad_input,
                   "the reduction of nothing has no value: the job had no tasks; read such a job "
                   "with get_optional()");
  return std::move(*bytes);
}
std::vector<Bytes> Job::get_all() const { return blocking("Job::get_all()", handle_).get_all(); }
void Job::each(const std::function<void(std::uint64_t, BytesView)>& visit) const {
  blocking("Job::each()", handle_).each(visit);
}
std::optional<TaskResult> Job::next() const { return blocking("Job::next()", handle_).next(); }
std::optional<TaskResult> Job::next_completed() const {
  return blocking("Job::next_completed()", handle_).next_completed();
}
Polled Job::try_next(Order order) const {
  return in(handle_).poll(std::chrono::milliseconds(0), order);
}
Polled Job::next_for(std::chrono::milliseconds timeout, Order order) const {
  if (timeout.count() <= 0) return try_next(order);
  return blocking("Job::next_for()", handle_).poll(timeout, order);
}
void Job::on_end(std::function<void(const Outcome&)> callback, bool results) const {
  in(handle_).on_end(std::move(callback), results);
}
std::shared_ptr<client::CallbackQueue> Job::callbacks() const {
  return handle_ ? handle_->callbacks() : nullptr;
}
Progress Job::progress() const { return in(handle_).progress(); }
Encoding Job::encoding() const { return in(handle_).encoding(); }
bool Job::reduced() const { return in(handle_).reduced(); }
void Job::cancel() const { in(handle_).cancel(); }
void Job::leave() const { in(handle_).leave(); }
void Job::on_progress(std::function<void(const Progress&)> callback,
                      std::chrono::milliseconds interval) const {
  in(handle_).on_progress(std::move(callback), interval);
}

}  // namespace quern
