// Where `quern top` gets its pictures from: a thread that asks the broker every interval. It has a
// thread of its own because a question to a broker that is gone blocks, while keys and a new size
// of the window must not wait. All public functions are called from the owner's thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/live/top_view.hpp"
#include "quern/client.hpp"

namespace quern::cli {

/// Asks for everything once; without speeds, which take two. Throws as Client does.
TopPicture take_picture(Client& client);
/// Tasks a second of the workers that are in both.
std::map<std::uint64_t, double> speeds(const TopPicture& before, const TopPicture& now,
                                       double elapsed_s);

class TopSource {
 public:
  /// Takes the client over. A question should fail within seconds (ClientOptions::retry), because
  /// that is when the view can say why there is no answer.
  TopSource(Client client, std::chrono::milliseconds interval);
  /// Waits for a question that is under way.
  ~TopSource();
  TopSource(const TopSource&) = delete;
  TopSource& operator=(const TopSource&) = delete;

  /// Readable when there is news; reading the news makes it silent again.
  int descriptor() const { return news_; }
  /// The latest picture; with its age and the trouble when the broker has not answered since.
  /// Nothing before the first.
  std::optional<TopPicture> latest();
  /// Asks no more; true when the thread has ended within `patience`.
  bool stop(std::chrono::milliseconds patience);

 private:
  using Clock = std::chrono::steady_clock;

  void ask();
  void take(TopPicture picture);

  Client client_;  ///< the thread's
  const std::chrono::milliseconds interval_;
  const int news_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  bool ended_ = false;
  std::optional<TopPicture> picture_;
  Clock::time_point taken_{};
  std::string trouble_;

  std::thread thread_;
};

}  // namespace quern::cli
