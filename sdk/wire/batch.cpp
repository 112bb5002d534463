#include "wire/batch.hpp"

namespace quern::wire {
namespace {

std::uint32_t load_u32(const char* at) {
  unsigned char b[4];
  std::memcpy(b, at, 4);
  return static_cast<std::uint32_t>(b[0]) | static_cast<std::uint32_t>(b[1]) << 8 |
         static_cast<std::uint32_t>(b[2]) << 16 | static_cast<std::uint32_t>(b[3]) << 24;
}

void append_u32(Bytes& out, std::uint32_t v) {
  const char b[4] = {static_cast<char>(v & 0xff), static_cast<char>(v >> 8 & 0xff),
                     static_cast<char>(v >> 16 & 0xff), static_cast<char>(v >> 24 & 0xff)};
  out.append(b, 4);
}

}  // namespace

Sizes Sizes::uniform(std::uint64_t count, std::uint32_t each) {
  Sizes s;
  s.count_ = count;
  s.each_ = each;
  return s;
}

std::optional<Sizes> Sizes::from_column(std::uint64_t count, Buffer column) {
  if (column.size() == 4) return uniform(count, load_u32(column.data()));
  if (column.size() % 4 != 0 || column.size() / 4 != count) return std::nullopt;
  Sizes s;
  s.count_ = count;
  s.column_ = std::move(column);
  return s;
}

std::uint32_t Sizes::at(std::uint64_t i) const {
  return is_uniform() ? each_ : load_u32(column_.data() + 4 * i);
}

std::uint64_t Sizes::sum(std::uint64_t begin, std::uint64_t end) const {
  if (is_uniform()) return (end - begin) * each_;
  std::uint64_t total = 0;
  for (std::uint64_t i = begin; i < end; ++i) total += load_u32(column_.data() + 4 * i);
  return total;
}

Sizes Sizes::slice(std::uint64_t begin, std::uint64_t end) const {
  if (is_uniform()) return uniform(end - begin, each_);
  Sizes s;
  s.count_ = end - begin;
  if (s.count_ == 1) return uniform(1, at(begin));
  s.column_ = column_.slice(4 * begin, 4 * (end - begin));
  return s;
}

Buffer Sizes::column() const {
  if (!is_uniform()) return column_;
  Bytes four;
  append_u32(four, each_);
  return Buffer::adopt(std::move(four));
}

bool Sizes::operator==(const Sizes& o) const {
  if (count_ != o.count_) return false;
  for (std::uint64_t i = 0; i < count_; ++i)
    if (at(i) != o.at(i)) return false;
  return true;
}

void BatchBuilder::add(BytesView payload) {
  bytes_.append(payload);
  close_payload(static_cast<std::uint32_t>(payload.size()));
}

void BatchBuilder::close_payload(std::uint32_t n) {
  if (count_ == 0) {
    each_ = n;
  } else if (sizes_.empty() && n != each_) {
    for (std::uint64_t i = 0; i < count_; ++i) append_u32(sizes_, each_);
  }
  if (!sizes_.empty()) append_u32(sizes_, n);
  ++count_;
}

Batch BatchBuilder::take() {
  Batch batch;
  batch.sizes = sizes_.empty() ? Sizes::uniform(count_, each_)
                               : *Sizes::from_column(count_, Buffer::adopt(std::move(sizes_)));
  batch.bytes = Buffer::adopt(std::move(bytes_));
  *this = BatchBuilder{};
  return batch;
}

}  // namespace quern::wire
