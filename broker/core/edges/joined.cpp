#include "broker/core/edges/joined.hpp"

#include <cstdint>

namespace quern::broker {
namespace {

void put_big_endian(Bytes& out, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(number >> shift & 0xff));
}

void put_text(Bytes& out, std::string_view text) {
  out += '\xdb';  // msgpack str32
  put_big_endian(out, text.size(), 4);
  out += text;
}

void put_number(Bytes& out, std::uint64_t number) {
  out += '\xcf';  // msgpack uint64
  put_big_endian(out, number, 8);
}

}  // namespace

void Joined::add(BytesView part, Encoding encoding) {
  if (join_ == Join::first && count_ > 0) return;
  ++count_;
  if (encoding == Encoding::raw && encoding_ == Encoding::value) {
    bytes_ += '\xc6';  // msgpack bin32
    put_big_endian(bytes_, part.size(), 4);
  }
  bytes_ += part;
}

Bytes Joined::take() {
  if (join_ == Join::first || encoding_ == Encoding::raw) return std::move(bytes_);
  Bytes out;
  out.reserve(5 + bytes_.size());
  out += '\xdd';  // msgpack array32
  put_big_endian(out, count_, 4);
  out += bytes_;
  return out;
}

Bytes described(const TaskError& error, JobNumber job, Encoding encoding) {
  if (encoding == Encoding::raw)
    return "error: task " + std::to_string(error.first) + " of job " + std::to_string(value(job)) +
           ": " + std::string(to_string(error.code)) + ": " + error.text + "\n";
  Bytes out = "\x81";  // msgpack map of one
  put_text(out, "error");
  out += '\x84';  // map of four
  put_text(out, "code");
  put_text(out, to_string(error.code));
  put_text(out, "text");
  put_text(out, error.text);
  put_text(out, "job");
  put_number(out, value(job));
  put_text(out, "task");
  put_number(out, error.first);
  return out;
}

}  // namespace quern::broker
