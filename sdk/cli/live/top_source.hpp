// Provides the pictures of `quern top`: a thread that queries the broker every interval. It is a
// thread of its own because a query to an unreachable broker blocks, while keys and changes of the
// window size must not wait. All public functions are called from the owner's thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/live/top_view.hpp"
#include "quern/client.hpp"

namespace quern::cli {

/// Queries everything once; without speeds, which need two pictures. Throws as Client does.
TopPicture take_picture(Client& client);
/// Tasks per second of the workers that are in both.
std::map<std::uint64_t, double> speeds(const TopPicture& before, const TopPicture& now,
                                       double elapsed_s);

class TopSource {
 public:
  /// Takes over the client. A query should fail within seconds (ClientOptions::retry), so that the
  /// view can show the reason.
  TopSource(Client client, std::chrono::milliseconds interval);
  /// Waits for a query in progress.
  ~TopSource();
  TopSource(const TopSource&) = delete;
  TopSource& operator=(const TopSource&) = delete;

  /// Readable when there is a new picture, until that is taken.
  int descriptor() const { return news_; }
  /// The latest picture, with its age and the reason if the broker has not answered since. Nothing
  /// before the first one.
  std::optional<TopPicture> latest();
  /// Stops querying; true if the thread ended within `patience`.
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
