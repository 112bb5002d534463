// Shows an open job: items are appended while earlier ones already run, and the job is closed at
// the end. Here each item depends on the result before it, so the whole input is never known in
// advance.
//
//   quern up                               # in a second terminal:
//   build/release/bin/example_square_worker
//   build/release/bin/example_open_job
#include <condition_variable>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <quern/client.hpp>
#include <quern/typed.hpp>
#include <string>

namespace {

// A queue between this program and the SDK. The SDK takes items from it on a thread of its own,
// which waits when there are none.
class Feed {
 public:
  void append(quern::Bytes item) {
    {
      std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
    }
    changed_.notify_one();
  }
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_one();
  }
  /// The next item; false once the feed is closed and empty.
  bool next(quern::Bytes& item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return false;
    item = std::move(items_.front());
    items_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<quern::Bytes> items_;
  bool closed_ = false;
};

}  // namespace

int main() try {
  quern::Client client;
  const auto feed = std::make_shared<Feed>();  // shared: the SDK may use it longer than we do
  quern::Items items;
  items.next = [feed](quern::Bytes& item) { return feed->next(item); };
  items.encoding = quern::Encoding::value;
  const quern::Job job = client.submit("square", std::move(items), {.name = "powers of two"});

  feed->append(quern::to_value(std::uint64_t{2}));
  while (const auto result = job.next()) {
    if (!result->ok) throw quern::JobError(result->code, result->text);
    const auto square = quern::from_value<std::uint64_t>(result->bytes);
    std::cout << square << '\n';
    if (square < 1'000'000)
      feed->append(quern::to_value(square));
    else
      feed->close();  // next() returns nothing once all results are read
  }
  std::cout << "the job is " << to_string(job.wait().state) << '\n';
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "open_job: " << error.what() << '\n';
  return 1;
}
