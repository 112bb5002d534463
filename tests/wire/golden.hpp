// Golden files: the bytes of a message in a format that people can read and other languages can
// load (tests/golden/README.md).
#pragma once

#include <string>

#include "wire/codec.hpp"

namespace quern::wire::test {

/// The file's text for these parts.
std::string golden_text(const std::string& title, const Frames& frames);
/// The parts in a file's text.
Frames golden_frames(const std::string& text);

std::string golden_path(const std::string& name);
/// Throws when there is no such file.
std::string read_golden(const std::string& name);
void write_golden(const std::string& name, const std::string& text);

}  // namespace quern::wire::test
