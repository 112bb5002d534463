// The bench's no-op tasks over Redis, as its documentation recommends for throughput: a stream with
// a consumer group and acknowledgement, everything pipelined and in batches; results come back as a
// list.
//   redis_tasks worker PORT
//   redis_tasks client PORT TASKS
//       prints the seconds from the first task sent to the last result checked
#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kBatch = 1000;
constexpr std::size_t kPayload = 16;
constexpr std::size_t kResult = 8;

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

class Redis {
 public:
  explicit Redis(int port) : context_(redisConnect("127.0.0.1", port)) {
    if (!context_ || context_->err) throw std::runtime_error("cannot connect to redis");
  }
  ~Redis() { redisFree(context_); }
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  void queue(const std::vector<std::string>& words) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const auto& word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    redisAppendCommandArgv(context_, static_cast<int>(words.size()), texts.data(), sizes.data());
  }
  Reply reply() {
    void* reply = nullptr;
    if (redisGetReply(context_, &reply) != REDIS_OK) throw std::runtime_error(context_->errstr);
    return Reply(static_cast<redisReply*>(reply));
  }
  Reply run(const std::vector<std::string>& words) {
    queue(words);
    return reply();
  }

 private:
  redisContext* context_;
};

std::string payload_of(std::uint64_t index) {
  std::string payload(kPayload, 'x');
  std::memcpy(payload.data(), &index, sizeof index);
  return payload;
}

void work(int port) {
  Redis redis(port);
  redis.run({"XGROUP", "CREATE", "tasks", "workers", "$", "MKSTREAM"});
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    const Reply batch =
        redis.run({"XREADGROUP", "GROUP", "workers", "w", "COUNT", std::to_string(kBatch), "BLOCK",
                   "1000", "STREAMS", "tasks", ">"});
    if (!batch || batch->type != REDIS_REPLY_ARRAY || batch->elements == 0) continue;
    const redisReply* entries = batch->element[0]->element[1];
    std::vector<std::string> results{"RPUSH", "results"}, done{"XACK", "tasks", "workers"};
    for (std::size_t i = 0; i < entries->elements; ++i) {
      const redisReply* entry = entries->element[i];
      done.emplace_back(entry->element[0]->str, entry->element[0]->len);
      results.emplace_back(entry->element[1]->element[1]->str, kResult);
    }
    redis.queue(results);
    redis.queue(done);
    redis.reply();
    redis.reply();
  }
}

double ask(int port, std::uint64_t tasks) {
  Redis out(port), in(port);
  in.run({"DEL", "results"});
  const auto start = std::chrono::steady_clock::now();
  std::thread sender([&] {
    for (std::uint64_t sent = 0; sent < tasks;) {
      const std::uint64_t end = std::min<std::uint64_t>(tasks, sent + kBatch);
      for (std::uint64_t i = sent; i < end; ++i)
        out.queue({"XADD", "tasks", "*", "p", payload_of(i)});
      for (; sent < end; ++sent) out.reply();
    }
  });
  for (std::uint64_t next = 0; next < tasks;) {
    Reply batch = in.run({"LPOP", "results", std::to_string(kBatch)});
    if (batch->type != REDIS_REPLY_ARRAY) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    for (std::size_t i = 0; i < batch->elements; ++i, ++next)
      if (payload_of(next).compare(0, kResult, batch->element[i]->str, batch->element[i]->len) != 0)
        throw std::runtime_error("a wrong result");
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  sender.join();
  in.run({"XTRIM", "tasks", "MAXLEN", "0"});
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::strcmp(argv[1], "worker") == 0) work(std::atoi(argv[2]));
    if (argc != 4) return 2;
    std::printf("%.6f\n", ask(std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10)));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "redis_tasks: %s\n", error.what());
    return 1;
  }
}
