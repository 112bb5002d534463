#include "broker/core/scheduling/decision.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "wire/reducer.hpp"

namespace quern::broker {
namespace {

// Which of several declarations of one name suits an input best: the first one that is offered.
std::span<const Takes> preference(InputKind input) {
  static constexpr std::array whole{Takes::whole, Takes::item};
  static constexpr std::array items{Takes::item, Takes::whole};
  static constexpr std::array range{Takes::range, Takes::item, Takes::whole};
  switch (input) {
    case InputKind::whole:
      return whole;
    case InputKind::items:
      return items;
    case InputKind::range:
      return range;
  }
  return whole;
}

std::string sentence(const JobShape& job, Takes takes) {
  const std::string quoted = "`" + job.function + "`";
  switch (job.input) {
    case InputKind::whole:
      return "not divisible: one whole input" +
             std::string(takes == Takes::whole ? "" : ", handed to " + quoted + " as one item");
    case InputKind::items:
      return takes == Takes::item ? "divisible: " + quoted + " takes one item at a time"
                                  : "not divisible: " + quoted + " takes its whole input at once";
    case InputKind::range:
      if (takes == Takes::range) return "divisible: " + quoted + " takes any part of a range";
      return takes == Takes::item
                 ? "divisible: " + quoted + " takes one integer of the range at a time"
                 : "not divisible: " + quoted + " takes the bounds of the whole range";
  }
  return {};
}

}  // namespace

std::variant<Decision, Misfit> decide(const JobShape& job,
                                      const std::vector<FunctionDecl>& offers) {
  for (Takes takes : preference(job.input)) {
    auto offer = std::find_if(offers.begin(), offers.end(),
                              [&](const auto& decl) { return decl.takes == takes; });
    if (offer == offers.end()) continue;
    Decision d;
    d.takes = takes;
    d.encoding = offer->encoding;
    d.divisible = job.input != InputKind::whole && takes != Takes::whole;
    d.sentence = sentence(job, takes);
    // A function of ranges may bring its own reducer; a reducer named by the client takes
    // precedence.
    const bool declared = takes == Takes::range && job.reduce.empty();
    d.reduce = declared ? offer->reduce : job.reduce;
    // The finish step was written for the declared reducer, so it runs only after that one.
    d.finish = offer->finish && !d.reduce.empty() && (declared || job.reduce == offer->reduce);
    if (takes == Takes::range && d.reduce.empty())
      return Misfit{"`" + job.function +
                    "` takes ranges and declares no reducer: choose one (--reduce sum, min, max, "
                    "count or concat)"};
    const auto builtin = wire::builtin_reducer(d.reduce);
    if (d.encoding == Encoding::raw &&
        (builtin == wire::Builtin::sum || builtin == wire::Builtin::min ||
         builtin == wire::Builtin::max))
      return Misfit{"reducer `" + d.reduce + "` reduces numbers, but `" + job.function +
                    "` returns raw bytes: use count or concat"};
    return d;
  }
  if (job.input == InputKind::items)
    return Misfit{"`" + job.function + "` takes a range, not items: give --range A:B"};
  return Misfit{"`" + job.function + "` takes a range: give --range A:B"};
}

}  // namespace quern::broker
