// What the tasks of a running lease say about themselves, on its way to the broker: lines of a log,
// and how far they are. Limited, so that a function that says something in every iteration does not
// slow down its worker. Belongs to the slot that runs the lease.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "wire/limits.hpp"
#include "wire/messages.hpp"
#include "wire/text.hpp"

namespace quern::worker {

class Notebook {
 public:
  using Clock = std::chrono::steady_clock;
  using Post = std::function<void(wire::Notes)>;

  static constexpr double kLinesMost = 100;  ///< at once, and per second
  static constexpr std::chrono::milliseconds kProgressEvery{100};

  Notebook(wire::LeaseId lease, Post post) : lease_(lease), post_(std::move(post)) {}

  /// A line of the task's log. Lines beyond the limit are counted, and the next line says how many.
  void log(std::uint64_t task, std::string_view line, Clock::time_point now) {
    if (!post_) return;
    lines_left_ = std::min(kLinesMost, lines_left_ + kLinesMost * seconds(now - counted_at_));
    counted_at_ = now;
    if (lines_left_ < 1) {
      ++dropped_;
      return;
    }
    lines_left_ -= 1;
    std::string text(line);
    if (dropped_ > 0)
      text = "(" + std::to_string(std::exchange(dropped_, 0)) +
             " lines were left out: more than 100 in a second) " + text;
    post_({lease_, {{.task = task, .text = readable(text)}}});
  }

  /// How far the task is. Values that follow each other closely are left out, except for the first
  /// one of a task and its last one (1).
  void progress(std::uint64_t task, double done, std::string_view doing, Clock::time_point now) {
    if (!post_ || !(done >= 0)) return;
    if (said_ && task == task_ && done < 1 && now < said_at_ + kProgressEvery) return;
    said_ = true;
    task_ = task;
    said_at_ = now;
    post_(
        {lease_,
         {{.task = task, .progress = std::min(done, 1.0), .text = readable(std::string(doing))}}});
  }

 private:
  static double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }
  /// What a message may carry as text.
  static std::string readable(const std::string& text) {
    return std::string(wire::cut_utf8(wire::clean_utf8(text), wire::kTextBytesMax));
  }

  const wire::LeaseId lease_;
  const Post post_;
  double lines_left_ = kLinesMost;
  Clock::time_point counted_at_{};
  std::uint64_t dropped_ = 0;
  bool said_ = false;
  std::uint64_t task_ = 0;
  Clock::time_point said_at_{};
};

}  // namespace quern::worker
