#include "bench/modes.hpp"

#include <stdexcept>
#include <vector>

#include "bench/measure.hpp"
#include "bench/payload.hpp"
#include "quern/typed.hpp"

namespace quern::bench {
namespace {

constexpr char kFunction[] = "noop";

[[noreturn]] void wrong(std::uint64_t index, const std::string& what) {
  throw std::runtime_error("task " + std::to_string(index) + ": " + what);
}

void check(BytesView result, std::uint64_t index, std::size_t size) {
  if (!is_result_of(result, index, size)) wrong(index, "the result belongs to another task");
}

SubmitOptions options_of(const Load& load) {
  SubmitOptions options;
  if (load.result) options.common = std::to_string(*load.result);
  return options;
}

std::size_t result_bytes(const Load& load) { return load.result.value_or(kIndexBytes); }

void check_all(const Job& job, std::uint64_t tasks, std::size_t size) {
  std::uint64_t expected = 0;
  while (const auto result = job.next()) {
    if (result->index != expected) wrong(expected, "its result is missing");
    if (!result->ok) wrong(expected, result->text);
    check(result->bytes, expected, size);
    ++expected;
  }
  if (expected != tasks) wrong(expected, "its result is missing: " + job.wait().text);
}

void run_map(Client& client, const Load& load) {
  const SubmitOptions options = options_of(load);
  std::vector<Job> jobs;
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t i = 0; i < load.jobs; ++i) {
    sizes.push_back(load.tasks / load.jobs + (i < load.tasks % load.jobs ? 1 : 0));
    jobs.push_back(client.submit(kFunction, numbered_items(sizes[i], load.payload), options));
  }
  for (std::uint64_t i = 0; i < load.jobs; ++i) check_all(jobs[i], sizes[i], result_bytes(load));
}

void run_single(Client& client, const Load& load) {
  const SubmitOptions options = options_of(load);
  std::vector<Job> jobs;
  jobs.reserve(load.tasks);
  Bytes payload(load.payload, 'x');
  for (std::uint64_t index = 0; index < load.tasks; ++index) {
    put_index(payload.data(), index);
    jobs.push_back(client.submit(kFunction, Whole{payload}, options));
  }
  for (std::uint64_t index = 0; index < load.tasks; ++index)
    check(jobs[index].get(), index, result_bytes(load));
}

/// For a range, the function counts its tasks, so one number shows that no task was missed or run
/// twice.
void run_range(Client& client, const Load& load) {
  const Job job = client.submit(kFunction, Range{0, static_cast<std::int64_t>(load.tasks)});
  const auto counted = from_value<std::uint64_t>(job.get());
  if (counted != load.tasks)
    throw std::runtime_error(std::to_string(counted) + " tasks were run instead of " +
                             std::to_string(load.tasks));
}

}  // namespace

Items numbered_items(std::uint64_t tasks, std::uint32_t payload) {
  Items items;
  items.source = Items::Source::in_memory;
  items.next = [payload, tasks, index = std::uint64_t{0}](Bytes& item) mutable {
    if (index == tasks) return false;
    item.resize(payload, 'x');
    put_index(item.data(), index++);
    return true;
  };
  return items;
}

std::optional<Mode> mode_of(const std::string& word) {
  if (word == "map") return Mode::map;
  if (word == "single") return Mode::single;
  if (word == "range") return Mode::range;
  return std::nullopt;
}

double run_load(Client& client, const Load& load) {
  const auto start = Clock::now();
  switch (load.mode) {
    case Mode::map:
      run_map(client, load);
      break;
    case Mode::single:
      run_single(client, load);
      break;
    case Mode::range:
      run_range(client, load);
      break;
  }
  return seconds_since(start);
}

}  // namespace quern::bench
