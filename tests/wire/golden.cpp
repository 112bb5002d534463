#include "wire/golden.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "notation/hex.hpp"

namespace quern::wire::test {
namespace {

constexpr std::size_t kBytesPerLine = 32;

}  // namespace

std::string golden_text(const std::string& title, const Frames& frames) {
  std::string out = "# " + title + "\n";
  for (std::size_t part = 0; part < frames.size(); ++part) {
    out += "part " + std::to_string(part) + "\n";
    const BytesView bytes = frames[part].view();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      notation::append_hex(out, static_cast<unsigned char>(bytes[i]));
      if ((i + 1) % kBytesPerLine == 0 || i + 1 == bytes.size()) out += '\n';
    }
  }
  return out;
}

Frames golden_frames(const std::string& text) {
  std::vector<Bytes> parts;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("part")) {
      parts.emplace_back();
      continue;
    }
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      parts.back().push_back(
          static_cast<char>(notation::hex_value(line[i]) << 4 | notation::hex_value(line[i + 1])));
  }
  Frames frames;
  for (auto& part : parts) frames.push_back(Buffer::adopt(std::move(part)));
  return frames;
}

std::string golden_path(const std::string& name) {
  return std::string(QUERN_SOURCE_DIR) + "/tests/golden/" + name + ".hex";
}

std::string read_golden(const std::string& name) {
  std::ifstream in(golden_path(name), std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + golden_path(name));
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_golden(const std::string& name, const std::string& text) {
  std::ofstream(golden_path(name), std::ios::binary) << text;
}

}  // namespace quern::wire::test
