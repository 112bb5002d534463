// Length-prefixed messages over a socket between a slot and its process.
#pragma once

#include <functional>
#include <optional>

#include "quern/bytes.hpp"

namespace quern::worker {

class SlotSocket {
 public:
  /// Takes over the descriptor. `go_on` is called every 20 ms while waiting for the other end;
  /// without it, waits forever.
  explicit SlotSocket(int fd, std::function<bool()> go_on = nullptr);
  ~SlotSocket();
  SlotSocket(SlotSocket&& other) noexcept;
  SlotSocket& operator=(SlotSocket&&) = delete;
  void ask(std::function<bool()> go_on) { go_on_ = std::move(go_on); }

  /// False if the other end is closed, or go_on() returned false.
  bool send(BytesView message);
  /// Nothing if the other end is closed, or go_on() returned false.
  std::optional<Bytes> receive();

 private:
  bool wait(short events) const;
  bool write_all(BytesView bytes);
  bool read_all(char* to, std::size_t size);

  int fd_;
  std::function<bool()> go_on_;
};

}  // namespace quern::worker
