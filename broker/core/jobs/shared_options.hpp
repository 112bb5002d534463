// Options of jobs. Whoever submits very many jobs mostly gives them the same ones: those share one
// copy.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "wire/messages.hpp"

namespace quern::broker {

using OptionsOfJob = std::shared_ptr<const wire::JobOptions>;

class SharedOptions {
 public:
  /// The options, without the name (Job::name).
  OptionsOfJob of(wire::JobOptions options) {
    options.name.clear();
    if (!options.unique.empty())
      return std::make_shared<const wire::JobOptions>(std::move(options));  // no other job has them
    for (const auto& known : recent_)
      if (known && *known == options) return known;
    OptionsOfJob& place = recent_[next_++ % recent_.size()];
    return place = std::make_shared<const wire::JobOptions>(std::move(options));
  }

 private:
  std::array<OptionsOfJob, 8> recent_;  // a newcomer takes the place of the oldest
  std::size_t next_ = 0;
};

}  // namespace quern::broker
