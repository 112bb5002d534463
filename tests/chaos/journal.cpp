#include "chaos/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace quern::chaos {

Journal::Journal(const std::string& path)
    : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
  if (fd_ < 0) throw std::runtime_error("cannot write " + path);
}

Journal::~Journal() { ::close(fd_); }

void Journal::say(std::string line) {
  for (char& c : line)
    if (static_cast<unsigned char>(c) < ' ') c = '?';  // an error text must stay on one line
  line += '\n';
  if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
}

}  // namespace quern::chaos
