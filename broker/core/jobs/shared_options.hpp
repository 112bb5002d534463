// Options of jobs. Clients that submit very many jobs mostly give them equal options, so equal
// options share one copy.
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
  /// The shared options, without the name, which is kept in JobSpec::name.
  OptionsOfJob of(wire::JobOptions options) {
    options.name.clear();
    if (!options.unique.empty())
      // The key is unique, so no other job shares them.
      return std::make_shared<const wire::JobOptions>(std::move(options));
    for (const auto& known : recent_)
      if (known && *known == options) return known;
    OptionsOfJob& place = recent_[next_++ % recent_.size()];
    return place = std::make_shared<const wire::JobOptions>(std::move(options));
  }

 private:
  std::array<OptionsOfJob, 8> recent_;  // the newest replaces the oldest
  std::size_t next_ = 0;
};

}  // namespace quern::broker
