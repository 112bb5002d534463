#include "broker/core/jobs/input_print.hpp"

#include "wire/input_digest.hpp"

namespace quern::broker {

void InputPrint::add(const wire::Batch& batch) {
  if (items == 0) return;
  wire::InputDigest digest(items);
  digest.add(batch);
  items = digest.value();
}

InputPrint print_of(const wire::Submit& submit) {
  wire::InputDigest shape;
  shape.add(submit.function);
  shape.add(static_cast<std::uint64_t>(submit.input));
  shape.add(static_cast<std::uint64_t>(submit.range_begin));
  shape.add(static_cast<std::uint64_t>(submit.range_end));
  shape.add(submit.options.reduce);
  if (submit.has_common) shape.add(submit.common.view());
  for (const JobEdge& edge : submit.edges) {
    shape.add(static_cast<std::uint64_t>(edge.pattern));
    shape.add(value(edge.number));
    shape.add(edge.width);
    shape.add(edge.step);
    shape.add(edge.ended ? 1 : 0);
  }
  if (submit.has_links) shape.add(submit.links.view());
  InputPrint print{shape.value(), wire::InputDigest().value()};
  print.add(submit.batch);
  return print;
}

}  // namespace quern::broker
