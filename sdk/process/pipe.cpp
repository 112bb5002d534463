#include "process/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace quern::process {

Pipe::Pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "a pipe");
  read = ends[0];
  write = ends[1];
}
Pipe::~Pipe() {
  close_read();
  close_write();
}
void Pipe::close_read() {
  if (read >= 0) ::close(std::exchange(read, -1));
}
void Pipe::close_write() {
  if (write >= 0) ::close(std::exchange(write, -1));
}

}  // namespace quern::process
