// Client::append(): batches for a job that is fed by whoever has items, one after the other.
#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "client/client_impl.hpp"
#include "client/failure.hpp"
#include "client/input_queue.hpp"
#include "wire/limits.hpp"

namespace quern {
namespace {

using namespace client;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// While the broker has no room, it is asked again after these times.
constexpr auto kFirstPause = 10ms, kLongestPause = 500ms;
// Other clients append at the same time: so often the position is read again.
constexpr int kPositionsMost = 100;

class Appending {
 public:
  Appending(Client& client, JobNumber number, std::size_t items, const AppendOptions& options)
      : client_(client),
        number_(number),
        items_(items),
        deadline_(Clock::now() + options.patience),
        position_(options.first) {}

  template <typename Ask>
  JobStatus add(wire::Batch batch, bool close, Ask ask) {
    const std::uint64_t count = batch.count();
    for (auto pause = std::chrono::milliseconds(kFirstPause);;) {
      if (!position_) position_ = client_.job(number_).total;
      wire::Append append;
      append.number = number_;
      append.first = *position_;
      append.close = close;
      append.batch = batch;
      try {
        return done(count, ask(std::move(append)));
      } catch (const Error& error) {
        if (error.code() == ErrorCode::queue_full && Clock::now() + pause < deadline_) {
          std::this_thread::sleep_for(pause);
          pause = std::min<std::chrono::milliseconds>(2 * pause, kLongestPause);
        } else if (auto taken = after_lost_answer(error, count, close)) {
          return done(count, std::move(*taken));
        } else if (!may_move(error)) {
          fail(error);
        }
      }
    }
  }

 private:
  JobStatus done(std::uint64_t count, JobStatus status) {
    *position_ += count;
    appended_ += count;
    return status;
  }

  /// The connection was lost after the batch was sent. As long as the job has not grown, it did not
  /// arrive. Otherwise nobody can tell whether the new items are ours or those of another client.
  std::optional<JobStatus> after_lost_answer(const Error& error, std::uint64_t count, bool close) {
    if (error.code() != ErrorCode::session) return std::nullopt;
    JobStatus status = client_.job(number_);
    if (count == 0 && close && !status.open) return status;
    if (status.total == *position_ && status.open) return std::nullopt;
    fail(Error(ErrorCode::session,
               "the connection to the broker was lost before it answered, and job " +
                   std::to_string(value(number_)) + " has " + std::to_string(status.total) +
                   " items now: whether those from " + std::to_string(*position_) +
                   " on are these is not known"));
  }

  /// Whether another position or another attempt may help.
  bool may_move(const Error& error) {
    if (error.code() == ErrorCode::session) return true;
    if (error.code() != ErrorCode::conflict || is_fixed() || ++positions_ > kPositionsMost)
      return false;
    position_.reset();
    return true;
  }
  /// After the first batch the position is fixed: the items belong together.
  bool is_fixed() const { return fixed_ || appended_ > 0; }

  [[noreturn]] void fail(const Error& error) {
    std::string text = error.what();
    if (items_ > 0 && appended_ > 0)
      text += " (" + std::to_string(appended_) + " of " + std::to_string(items_) +
              " items were appended)";
    if (is_connection_failure(error.code())) throw ConnectionError(error.code(), text);
    throw Error(error.code(), text);
  }

  Client& client_;
  const JobNumber number_;
  const std::size_t items_;
  const Clock::time_point deadline_;
  std::optional<std::uint64_t> position_;
  const bool fixed_ = position_.has_value();
  std::uint64_t appended_ = 0;
  int positions_ = 0;
};

}  // namespace

JobStatus Client::append(JobNumber number, const std::vector<Bytes>& items,
                         const AppendOptions& options) {
  InputQueue batches;  // cuts them as a streamed input is cut
  if (options.first.value_or(0) > wire::kTasksMax - items.size())
    throw Error(ErrorCode::limit, "a job may have 2^62 items");
  for (const Bytes& item : items) {
    if (item.size() > wire::kItemBytesMax)
      throw Error(ErrorCode::limit,
                  "an item has " + std::to_string(item.size()) + " bytes; the limit is 64 MiB");
    batches.put(item);
  }
  batches.end();
  const auto ask = [this](wire::Append append) {
    Reply reply = impl_->ask(std::move(append));
    if (auto* update = std::get_if<wire::JobUpdate>(&reply)) return std::move(update->status);
    throw Error(ErrorCode::malformed,
                "the broker does not know how to append to a job: install "
                "the same version of Quern on both sides");
  };
  if (items.empty() && !options.close) return job(number);
  Appending appending(*this, number, items.size(), options);
  std::optional<JobStatus> status;
  while (auto chunk = batches.take()) {
    const bool last = chunk->rest == InputLedger::Rest::none;
    status = appending.add(std::move(chunk->batch), last && options.close, ask);
    if (last) break;
  }
  return std::move(*status);
}

JobStatus Client::close(JobNumber number) { return append(number, {}, {.close = true}); }

}  // namespace quern
