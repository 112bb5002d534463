#include "worker/process/call_server.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iostream>

#include "worker/process/write_all.hpp"

namespace quern::worker {
namespace {

constexpr int kUsage = 2;
constexpr std::uint32_t kItemMax = 64u << 20;

class PlainTask final : public Task {
 public:
  PlainTask(BytesView input, std::uint64_t index) : input_(input), index_(index) {}
  BytesView input() const override { return input_; }
  Encoding encoding() const override { return Encoding::raw; }
  Range range() const override { return {}; }
  BytesView common() const override { return {}; }
  std::shared_ptr<const void> common_owner() const override { return nullptr; }
  std::uint64_t index() const override { return index_; }
  std::uint32_t attempt() const override { return 1; }
  bool cancelled() const override { return false; }  // the process is ended instead
  void log(std::string_view line) override { std::cerr << line << '\n'; }

 private:
  BytesView input_;
  std::uint64_t index_;
};

bool read_all(int fd, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::read(fd, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool read_item(Bytes& item) {
  unsigned char head[4];
  if (!read_all(STDIN_FILENO, reinterpret_cast<char*>(head), sizeof head)) return false;
  std::uint32_t size = 0;
  for (std::size_t i = 4; i-- > 0;) size = size << 8 | head[i];
  if (size > kItemMax) return false;
  item.resize(size);
  return read_all(STDIN_FILENO, item.data(), size);
}

Bytes answer_of(char status, BytesView bytes) {
  const std::size_t size = bytes.size() + 1;
  Bytes answer;
  for (int shift = 0; shift < 32; shift += 8) answer += static_cast<char>(size >> shift);
  answer += status;
  answer += bytes;
  return answer;
}

/// A result in a form that is readable in a shell.
Bytes run(const FunctionEntry& entry, Task& task) {
  Bytes result;
  if (entry.batch) {
    Answers answers;
    entry.batch(task, {task.input()}, answers);
    if (answers.count() == 0)
      throw std::runtime_error("the function returned no answer for this item");
    if (!answers.all().front().ok) throw std::runtime_error(answers.all().front().bytes);
    result = answers.all().front().bytes;
  } else {
    Output out(result);
    entry.body(task, out);
  }
  return entry.decl.encoding == Encoding::value ? json_from_value(result).value_or("") : result;
}

const FunctionEntry* find(const Functions& functions, const std::string& name) {
  const FunctionEntry* entry = functions.find(name, Takes::item);
  return entry ? entry : functions.find(name, Takes::whole);
}

}  // namespace

int serve_call(const Functions& functions, const std::string& name) {
  const FunctionEntry* entry = find(functions, name);
  if (!entry) {
    std::cerr << "quern-worker: there is no function " << name
              << " that takes items; available are:";
    for (const auto& other : functions.functions())
      if (find(functions, other.decl.name) == &other) std::cerr << ' ' << other.decl.name;
    std::cerr << "\n";
    return kUsage;
  }
  const int out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (out < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return kUsage;
  Bytes item;
  for (std::uint64_t index = 0; read_item(item); ++index) {
    Bytes answer;
    try {
      PlainTask task(item, index);
      answer = answer_of(0, run(*entry, task));
    } catch (const std::exception& error) {
      answer = answer_of(
          1, *error.what() ? error.what() : "the function threw an exception without a text");
    } catch (...) {
      answer = answer_of(1, "the function threw something that is not a std::exception");
    }
    if (!write_all(out, answer)) break;
  }
  return 0;
}

}  // namespace quern::worker
