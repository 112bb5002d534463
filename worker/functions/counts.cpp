#include "worker/functions/counts.hpp"

#include <stdexcept>

namespace quern::functions {
namespace {

void append_big(Bytes& out, unsigned char tag, std::uint64_t n, int bytes) {
  out.push_back(static_cast<char>(tag));
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(n >> shift & 0xff));
}

void append_string(Bytes& out, BytesView text) {
  const std::uint64_t n = text.size();
  if (n < 32)
    out.push_back(static_cast<char>(0xa0 | n));
  else if (n <= 0xff)
    append_big(out, 0xd9, n, 1);
  else if (n <= 0xffff)
    append_big(out, 0xda, n, 2);
  else
    append_big(out, 0xdb, n, 4);
  out.append(text);
}

void append_count(Bytes& out, std::uint64_t n) {
  if (n < 128)
    out.push_back(static_cast<char>(n));
  else if (n <= 0xff)
    append_big(out, 0xcc, n, 1);
  else if (n <= 0xffff)
    append_big(out, 0xcd, n, 2);
  else if (n <= 0xffffffff)
    append_big(out, 0xce, n, 4);
  else
    append_big(out, 0xcf, n, 8);
}

[[noreturn]] void no_table() {
  throw std::invalid_argument("not a table of counts (a sorted map from words to numbers)");
}

}  // namespace

void CountsWriter::add(BytesView key, std::uint64_t count) {
  append_string(body_, key);
  append_count(body_, count);
  ++entries_;
}

Bytes CountsWriter::take() {
  Bytes out;
  out.reserve(body_.size() + 5);
  if (entries_ < 16)
    out.push_back(static_cast<char>(0x80 | entries_));
  else if (entries_ <= 0xffff)
    append_big(out, 0xde, entries_, 2);
  else
    append_big(out, 0xdf, entries_, 4);
  out.append(body_);
  body_.clear();
  entries_ = 0;
  return out;
}

CountsReader::CountsReader(BytesView table) : rest_(table) {
  const unsigned char t = tag();
  if ((t & 0xf0) == 0x80)
    left_ = t & 0x0f;
  else if (t == 0xde)
    left_ = big_endian(2);
  else if (t == 0xdf)
    left_ = big_endian(4);
  else
    no_table();
}

unsigned char CountsReader::tag() {
  if (rest_.empty()) no_table();
  const auto t = static_cast<unsigned char>(rest_.front());
  rest_.remove_prefix(1);
  return t;
}

std::uint64_t CountsReader::big_endian(int bytes) {
  std::uint64_t n = 0;
  for (int i = 0; i < bytes; ++i) n = n << 8 | tag();
  return n;
}

bool CountsReader::next() {
  if (left_ == 0) {
    if (!rest_.empty()) no_table();
    return false;
  }
  --left_;
  const unsigned char t = tag();
  std::uint64_t length = 0;
  if ((t & 0xe0) == 0xa0)
    length = t & 0x1f;
  else if (t == 0xd9)
    length = big_endian(1);
  else if (t == 0xda)
    length = big_endian(2);
  else if (t == 0xdb)
    length = big_endian(4);
  else
    no_table();
  if (length > rest_.size()) no_table();
  const BytesView key = rest_.substr(0, length);
  if (begun_ && key <= key_) no_table();
  begun_ = true;
  key_ = key;
  rest_.remove_prefix(length);
  const unsigned char n = tag();
  if (n < 128)
    count_ = n;
  else if (n >= 0xcc && n <= 0xcf)
    count_ = big_endian(1 << (n - 0xcc));
  else
    no_table();
  return true;
}

Bytes merge_counts(BytesView left, BytesView right) {
  CountsReader a(left), b(right);
  CountsWriter out;
  bool in_a = a.next(), in_b = b.next();
  while (in_a || in_b) {
    const int order = !in_a ? 1 : !in_b ? -1 : a.key().compare(b.key());
    if (order < 0)
      out.add(a.key(), a.count());
    else if (order > 0)
      out.add(b.key(), b.count());
    else
      out.add(a.key(), a.count() + b.count());
    if (order <= 0) in_a = a.next();
    if (order >= 0) in_b = b.next();
  }
  return out.take();
}

}  // namespace quern::functions
