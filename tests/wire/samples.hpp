// One or more messages of every type that together set every field to something other than its
// default (codec_test checks that). The golden files contain them, so a change here or in the codec
// shows there.
#pragma once

#include <string>
#include <vector>

#include "wire/messages.hpp"

namespace quern::wire::test {

struct Sample {
  std::string name;  ///< of its golden file
  Envelope envelope;
};

const std::vector<Sample>& samples();

/// The sample of that name.
const Envelope& sample(const std::string& name);

/// A UUID of 16 equal bytes.
Uuid uuid_of(std::uint8_t byte);

Batch batch_of(std::initializer_list<BytesView> payloads);

}  // namespace quern::wire::test
