// Functions: what a worker offers, by name and by what it takes.
#include <algorithm>

#include "quern/worker.hpp"
#include "wire/limits.hpp"
#include "wire/reducer.hpp"
#include "wire/text.hpp"

namespace quern {
namespace {

void check_name(const std::string& what, const std::string& name) {
  if (name.empty()) throw std::invalid_argument("a " + what + " needs a name");
  if (name.size() > wire::kNameBytesMax)
    throw std::invalid_argument("the name of a " + what + " can have at most " +
                                std::to_string(wire::kNameBytesMax) + " bytes: " + name);
  if (!wire::valid_utf8(name))
    throw std::invalid_argument("the name of a " + what + " is not UTF-8");
}

FunctionDecl declared(std::string name, Takes takes, Encoding encoding,
                      const FunctionOptions& options) {
  return {.name = std::move(name),
          .takes = takes,
          .encoding = encoding,
          .reduce = options.reduce,
          .finish = static_cast<bool>(options.finish),
          .rate = options.rate,
          .idempotent = options.idempotent,
          .max_lease = options.max_lease,
          .people = options.people};
}

}  // namespace

void Functions::add_raw(std::string name, Body body, FunctionOptions options, Takes takes) {
  add_body(std::move(name), takes, Encoding::raw, std::move(body), std::move(options));
}

void Functions::add_body(std::string name, Takes takes, Encoding encoding, Body body,
                         FunctionOptions options) {
  add_entry({declared(std::move(name), takes, encoding, options), std::move(body),
             std::move(options.finish), nullptr, std::move(options.retry)});
}

void Functions::add_batch(std::string name, Encoding encoding, BatchBody body,
                          FunctionOptions options) {
  add_entry({declared(std::move(name), Takes::item, encoding, options), nullptr,
             std::move(options.finish), std::move(body), std::move(options.retry)});
}

void Functions::add_entry(FunctionEntry entry) {
  check_name("function", entry.decl.name);
  if (find(entry.decl.name, entry.decl.takes))
    throw std::invalid_argument("function '" + entry.decl.name + "' was added twice");
  functions_.push_back(std::move(entry));
}

void Functions::add_reducer_body(ReducerDecl decl,
                                 std::function<Bytes(BytesView, BytesView)> fold) {
  check_name("reducer", decl.name);
  if (wire::builtin_reducer(decl.name))
    throw std::invalid_argument("reducer '" + decl.name + "' is built in");
  if (find_reducer(decl.name))
    throw std::invalid_argument("reducer '" + decl.name + "' was added twice");
  reducers_.push_back({std::move(decl), std::move(fold)});
}

const FunctionEntry* Functions::find(std::string_view name, Takes takes) const {
  const auto at = std::find_if(functions_.begin(), functions_.end(), [&](const FunctionEntry& e) {
    return e.decl.takes == takes && e.decl.name == name;
  });
  return at == functions_.end() ? nullptr : &*at;
}

const ReducerEntry* Functions::find_reducer(std::string_view name) const {
  const auto at = std::find_if(reducers_.begin(), reducers_.end(),
                               [&](const ReducerEntry& e) { return e.decl.name == name; });
  return at == reducers_.end() ? nullptr : &*at;
}

}  // namespace quern
