#include "chaos/command_job.hpp"

#include <array>
#include <sstream>

#include "quern/command.hpp"

namespace quern::chaos {
namespace {

constexpr std::array kStarts = {"once", "plain", "idempotent"};

/// Parameters: the beginning of its marks; then, from the item, the task, the seconds to sleep and
/// the exit code. With -C the shell does not overwrite a file, so no mark can hide another.
constexpr const char* kScript =
    R"(set -C; : > "$1.$2.$PPID.$$" && sleep "$3" && echo "$2" && exit "$4")";

}  // namespace

Job CommandJob::submit(Client& client, const std::string& folder) const {
  const Command command{
      .words = {"sh", "-c", kScript, "sh", marks_folder(folder) + "/" + name, "{}"}};
  SubmitOptions options;
  options.attempts = attempts();
  options.detach = detached;
  options.priority = static_cast<std::int32_t>(seed % 3);
  options.durability = durable ? Durability::durable : Durability::memory;
  options.common = to_bytes(command);
  options.at_most_once = starts == Starts::once;
  options.idempotent = starts == Starts::idempotent;
  Items items;
  items.next = [self = *this, i = std::uint64_t{0}](Bytes& out) mutable {
    if (i == self.size) return false;
    const std::uint64_t milliseconds = 250 + (self.seed + i * 37) % 200;
    out = std::to_string(i);
    out += '\0';
    out += "0." + std::to_string(milliseconds);
    out += '\0';
    out += std::to_string(self.code(i));
    ++i;
    return true;
  };
  items.source = Items::Source::in_memory;
  return client.submit("exec", std::move(items), options);
}

int CommandJob::code(std::uint64_t task) const { return (seed + task) % 9 == 0 ? 3 : 0; }

std::uint32_t CommandJob::attempts() const {
  if (starts == Starts::once) return seed % 2 == 0 ? 1 : 3;
  return 2;
}

std::string CommandJob::words() const {
  return std::string(kStarts[static_cast<std::size_t>(starts)]) +
         (durable ? " durable" : " memory") + (detached ? " detached " : " attached ") +
         std::to_string(size) + " " + std::to_string(seed);
}

CommandJob random_command_job(std::mt19937_64& random, bool broker_is_durable) {
  CommandJob job;
  job.starts = random() % 3 != 0   ? Starts::once
               : random() % 2 == 0 ? Starts::plain
                                   : Starts::idempotent;
  job.durable = broker_is_durable && random() % 3 != 0;
  // A memory job is lost with its broker; a later reader finds no job of that number, or a
  // different one.
  job.detached = (job.durable || !broker_is_durable) && random() % 3 == 0;
  job.size = 1 + random() % 10;
  job.seed = random() % 1'000'000;
  return job;
}

std::optional<CommandJob> command_job(const std::string& name, const std::string& words) {
  CommandJob job;
  job.name = name;
  std::istringstream in(words);
  std::string starts, durability, standing;
  if (!(in >> starts >> durability >> standing >> job.size >> job.seed)) return std::nullopt;
  for (std::size_t k = 0; k < kStarts.size(); ++k)
    if (starts == kStarts[k]) job.starts = static_cast<Starts>(k);
  job.durable = durability == "durable";
  job.detached = standing == "detached";
  return job;
}

std::string marks_folder(const std::string& folder) { return folder + "/marks"; }

}  // namespace quern::chaos
