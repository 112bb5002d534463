#include "broker/core/jobs/partials.hpp"

namespace quern::broker {
namespace {

constexpr std::size_t kChunkBytes = 64u << 10;

std::uint64_t bytes_in(const std::list<Bytes>& chunks) {
  std::uint64_t n = 0;
  for (const auto& chunk : chunks) n += chunk.size();
  return n;
}

}  // namespace

std::optional<std::string> Partials::join(Piece& left, Piece&& right) {
  if (*builtin_ == wire::Builtin::concat) {
    if (left.chunks.back().size() + right.chunks.front().size() <= kChunkBytes) {
      left.chunks.back() += right.chunks.front();
      right.chunks.pop_front();
    }
    left.chunks.splice(left.chunks.end(), right.chunks);
  } else {
    const std::size_t before = left.chunks.front().size() + right.chunks.front().size();
    if (auto error = wire::fold(*builtin_, left.chunks.front(), right.chunks.front()))
      return error->text;
    bytes_ = bytes_ - before + left.chunks.front().size();
  }
  left.end = right.end;
  return std::nullopt;
}

std::optional<std::string> Partials::add(wire::Interval tasks, Bytes value) {
  bytes_ += value.size();
  Piece piece{tasks.end, {}, false};
  piece.chunks.push_back(std::move(value));
  if (!builtin_) {
    pieces_.emplace(tasks.begin, std::move(piece));
    return std::nullopt;
  }
  auto it = pieces_.upper_bound(tasks.begin);
  if (it != pieces_.begin() && std::prev(it)->second.end == tasks.begin) {
    --it;
    if (auto error = join(it->second, std::move(piece))) return error;
  } else {
    it = pieces_.emplace_hint(it, tasks.begin, std::move(piece));
  }
  auto next = std::next(it);
  if (next != pieces_.end() && next->first == it->second.end) {
    if (auto error = join(it->second, std::move(next->second))) return error;
    pieces_.erase(next);
  }
  return std::nullopt;
}

Partials::Kept Partials::kept(wire::Interval tasks, const Bytes& value) const {
  if (joins_lazily()) return {tasks, value};
  auto it = std::prev(pieces_.upper_bound(tasks.begin));
  return {{it->first, it->second.end}, it->second.chunks.front()};
}

std::optional<Partials::Run> Partials::take_run(std::size_t at_least, std::size_t at_most,
                                                std::uint64_t bytes_max) {
  auto first = pieces_.begin();
  while (first != pieces_.end()) {
    if (first->second.out) {
      ++first;
      continue;
    }
    auto last = first;  // the run is [first, last]
    std::size_t n = 1;
    std::uint64_t bytes = bytes_in(first->second.chunks);
    for (auto next = std::next(first); next != pieces_.end() && n < at_most; last = next++) {
      // Failed tasks leave gaps. At the end, the partials of a failed job are merged across them.
      if (next->second.out || (next->first != last->second.end && at_least > 2)) break;
      bytes += bytes_in(next->second.chunks);
      if (bytes > bytes_max && n >= 2) break;
      ++n;
    }
    if (n >= at_least) {
      Run run{{first->first, last->second.end}, {}};
      wire::BatchBuilder builder;
      for (auto it = first;; ++it) {
        it->second.out = true;
        ++out_;
        builder.add(it->second.chunks.front());
        if (it == last) break;
      }
      run.values = builder.take();
      return run;
    }
    first = std::next(last);
  }
  return std::nullopt;
}

void Partials::put_back(wire::Interval tasks) {
  for (auto it = pieces_.lower_bound(tasks.begin); it != pieces_.end() && it->first < tasks.end;
       ++it) {
    if (it->second.out) --out_;
    it->second.out = false;
  }
}

void Partials::replace(wire::Interval tasks, Bytes value) {
  auto it = pieces_.lower_bound(tasks.begin);
  while (it != pieces_.end() && it->first < tasks.end) {
    if (it->second.out) --out_;
    bytes_ -= bytes_in(it->second.chunks);
    it = pieces_.erase(it);
  }
  bytes_ += value.size();
  Piece piece{tasks.end, {}, false};
  piece.chunks.push_back(std::move(value));
  pieces_.emplace_hint(it, tasks.begin, std::move(piece));
}

std::optional<Bytes> Partials::value() const {
  if (pieces_.empty()) return std::nullopt;
  Bytes out;
  bool first = true;
  for (const auto& [begin, piece] : pieces_) {
    for (const auto& chunk : piece.chunks) {
      if (first || !builtin_ || *builtin_ == wire::Builtin::concat)
        out += chunk;
      else if (wire::fold(*builtin_, out, chunk))
        return std::nullopt;
      first = false;
    }
    if (!builtin_) break;
  }
  return out;
}

std::optional<std::string> Partials::error() const {
  if (!builtin_ || pieces_.empty()) return std::nullopt;
  auto final_value = value();
  if (!final_value) return "the results cannot be reduced";
  if (auto error = wire::end_partial(*builtin_, *final_value)) return error->text;
  return std::nullopt;
}

}  // namespace quern::broker
