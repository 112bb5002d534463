// Values that tests of the broker write in one line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quern/ids.hpp"
#include "wire/batch.hpp"

namespace quern::broker {

inline wire::Batch batch_of(const std::vector<std::string>& items) {
  wire::BatchBuilder builder;
  for (const auto& item : items) builder.add(item);
  return builder.take();
}

inline std::vector<std::string> items_of(const wire::Batch& batch) {
  std::vector<std::string> items;
  for (wire::BatchReader reader(batch); !reader.at_end();) items.emplace_back(reader.next());
  return items;
}

inline Uuid uuid(std::uint8_t n) {
  Uuid u;
  u.bytes[15] = n;
  return u;
}

}  // namespace quern::broker
