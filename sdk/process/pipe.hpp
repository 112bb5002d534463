// A pipe whose ends are not inherited by the programs that this process starts. Owned by one
// thread at a time.
#pragma once

namespace quern::process {

struct Pipe {
  Pipe();  ///< throws std::system_error
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read();
  void close_write();
  int read = -1;
  int write = -1;
};

}  // namespace quern::process
