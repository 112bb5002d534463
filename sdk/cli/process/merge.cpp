#include "cli/process/merge.hpp"

#include <memory>
#include <stdexcept>

#include "quern/error.hpp"

namespace quern::cli {
namespace {

constexpr std::size_t kGroupBytes =
    1u << 20;  // size of the outputs that are merged at a time (at least two)
constexpr std::size_t kGroupCount = 1000;

/// An output on its way through the levels.
struct ProgramFailed : std::runtime_error {
  explicit ProgramFailed(CommandResult failed)
      : std::runtime_error("--reduce: the program failed"), result(std::move(failed)) {}
  CommandResult result;
};

/// The outputs of one level in groups; the caller has already taken the first two.
class Groups {
 public:
  Groups(Bytes first, std::optional<Bytes> second, Merge::Next next)
      : held_(std::move(first)), second_(std::move(second)), next_(std::move(next)) {}

  bool next(Bytes& group) {
    group.clear();
    std::size_t count = 0;
    while (count < 2 || (group.size() < kGroupBytes && count < kGroupCount)) {
      auto one = take();
      if (!one) break;
      group += *one;
      ++count;
    }
    return count > 0;
  }

 private:
  std::optional<Bytes> take() {
    if (held_) return std::exchange(held_, std::nullopt);
    if (second_) return std::exchange(second_, std::nullopt);
    return next_();
  }

  std::optional<Bytes> held_, second_;
  Merge::Next next_;
};

}  // namespace

Merge::Merge(Client& client, const Command& reducer, SubmitOptions options,
             std::function<void(const Job&)> on_job)
    : client_(client), options_(std::move(options)), on_job_(std::move(on_job)) {
  options_.common = to_bytes(reducer);
}

std::optional<CommandResult> Merge::run(const Next& next) {
  auto first = next();
  if (!first) return std::nullopt;
  auto second = next();
  try {
    // A single output is merged too, so that the result has the same form for any size of input.
    for (Next level = next;;) {
      level = merged(std::move(*first), std::move(second), level);
      first = level();
      second = first ? level() : std::nullopt;
      if (second) continue;
      CommandResult last;
      if (first) last.out = std::move(*first);
      return last;
    }
  } catch (const ProgramFailed& failed) {
    return failed.result;
  }
}

Merge::Next Merge::merged(Bytes first, std::optional<Bytes> second, Next rest) {
  auto groups = std::make_shared<Groups>(std::move(first), std::move(second), std::move(rest));
  const Items items{[groups](Bytes& group) { return groups->next(group); }, Encoding::raw,
                    Items::Source::may_block, nullptr};
  const Job job = client_.submit("exec", items, options_);
  on_job_(job);
  return [job]() -> std::optional<Bytes> {
    const auto result = job.next();
    if (!result) return std::nullopt;
    if (result->ok) return command_result(result->bytes).out;
    if (result->bytes.empty()) throw Error(result->code, "--reduce: " + result->text);
    throw ProgramFailed(
        command_result(result->bytes));  // cancels the level above, which passes it on
  };
}

}  // namespace quern::cli
