#include "broker/core/input_print.hpp"

namespace quern::broker {
namespace {

class Print {
 public:
  void add(BytesView bytes) {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    add(bytes.size());  // so that "ab", "c" is not "a", "bc"
  }
  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8)
      value_ = (value_ ^ (number >> shift & 0xff)) * 0x100000001b3ULL;
  }
  std::uint64_t value() const { return value_ == 0 ? 1 : value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace

InputPrint print_of(const wire::Submit& submit) {
  Print shape;
  shape.add(submit.function);
  shape.add(static_cast<std::uint64_t>(submit.input));
  shape.add(static_cast<std::uint64_t>(submit.range_begin));
  shape.add(static_cast<std::uint64_t>(submit.range_end));
  shape.add(submit.options.reduce);
  if (submit.has_common) shape.add(submit.common.view());
  InputPrint print{shape.value(), 0};
  if (submit.open) return print;
  Print whole;
  for (wire::BatchReader reader(submit.batch); !reader.at_end();) whole.add(reader.next());
  print.whole = whole.value();
  return print;
}

}  // namespace quern::broker
