// Messages over a socket between a slot and its process: each after its length.
#pragma once

#include <functional>
#include <optional>

#include "quern/bytes.hpp"

namespace quern::worker {

class SlotSocket {
 public:
  /// Takes the descriptor over. `go_on` is asked every 20 ms while the other end is waited for;
  /// without one it is waited for ever.
  explicit SlotSocket(int fd, std::function<bool()> go_on = nullptr);
  ~SlotSocket();
  SlotSocket(SlotSocket&& other) noexcept;
  SlotSocket& operator=(SlotSocket&&) = delete;
  void ask(std::function<bool()> go_on) { go_on_ = std::move(go_on); }

  /// False when the other end is gone, or go_on() said no.
  bool send(BytesView message);
  /// Nothing when the other end is gone, or go_on() said no.
  std::optional<Bytes> receive();

 private:
  bool wait(short events) const;
  bool write_all(BytesView bytes);
  bool read_all(char* to, std::size_t size);

  int fd_;
  std::function<bool()> go_on_;
};

}  // namespace quern::worker
