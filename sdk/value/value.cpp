#include "quern/value.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <msgpack.hpp>
#include <nlohmann/json.hpp>

#include "notation/base64.hpp"

namespace quern {
namespace {

using nlohmann::json;

// Deeper nesting is refused, because nobody writes it by hand and recursion would overflow the
// stack.
constexpr std::size_t kDepthMax = 64;

// Parses JSON text and fails at the first error or where it is nested too deeply.
class JsonCheck : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return ++depth_ <= kDepthMax; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return ++depth_ <= kDepthMax; }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool leave() {
    --depth_;
    return true;
  }
  std::size_t depth_ = 0;
};

// Writes JSON text while it reads msgpack, without a tree in between, so that the cost of a hostile
// value is bounded by its length.
class JsonWriter : public msgpack::null_visitor {
 public:
  bool visit_nil() { return text("null"); }
  bool visit_boolean(bool v) { return text(v ? "true" : "false"); }
  bool visit_positive_integer(std::uint64_t v) { return text(std::to_string(v)); }
  bool visit_negative_integer(std::int64_t v) { return text(std::to_string(v)); }
  bool visit_float64(double v) { return text(std::isfinite(v) ? json(v).dump() : "null"); }
  bool visit_float32(float v) {
    // The shortest digits of the float, not of the double to which it would be converted.
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits - 1, v).ptr;
    *end = '\0';
    return visit_float64(std::strtod(digits, nullptr));
  }
  bool visit_str(const char* data, std::uint32_t size) {
    try {
      return text(json(std::string(data, size)).dump());
    } catch (const json::type_error&) {
      return visit_bin(data, size);  // bytes that are not UTF-8
    }
  }
  bool visit_bin(const char* data, std::uint32_t size) {
    return text("{\"base64\":\"" + notation::base64({data, size}) + "\"}");
  }
  bool visit_ext(const char* data, std::uint32_t size) {
    if (size == 0) return false;
    const int byte = static_cast<unsigned char>(
        data[0]);  // the visitor receives the type, which is signed, as the first byte
    const int type = byte < 128 ? byte : byte - 256;
    return text("{\"base64\":\"" + notation::base64({data + 1, size - 1}) +
                "\",\"ext\":" + std::to_string(type) + "}");
  }

  bool start_array(std::uint32_t) { return open('['); }
  bool start_array_item() { return separate(); }
  bool end_array() { return close(']'); }
  bool start_map(std::uint32_t) { return open('{'); }
  bool start_map_key() {
    separate();
    keys_.push_back(out_.size());
    return true;
  }
  bool end_map_key() {
    // JSON has only string keys, so any other key becomes a string that contains its JSON text.
    const std::size_t begin = keys_.back();
    keys_.pop_back();
    if (out_[begin] != '"') {
      const std::string key = json(out_.substr(begin)).dump();
      out_.replace(begin, std::string::npos, key);
    }
    return text(":");
  }
  bool end_map() { return close('}'); }

  std::string take() { return std::move(out_); }

 private:
  bool text(std::string_view more) {
    out_.append(more);
    return true;
  }
  bool open(char bracket) {
    out_.push_back(bracket);
    first_.push_back(true);
    return first_.size() <= kDepthMax;
  }
  bool separate() {
    if (!first_.back()) out_.push_back(',');
    first_.back() = false;
    return true;
  }
  bool close(char bracket) {
    out_.push_back(bracket);
    first_.pop_back();
    return true;
  }

  std::string out_;
  std::vector<bool> first_;        // per open container: whether it is still empty
  std::vector<std::size_t> keys_;  // where the keys that are being written begin
};

}  // namespace

std::optional<Bytes> value_from_json(BytesView text) {
  JsonCheck check;
  if (!json::sax_parse(text, &check)) return std::nullopt;
  const json tree = json::parse(text, nullptr, false);
  if (tree.is_discarded()) return std::nullopt;
  Bytes out;
  json::to_msgpack(tree, out);
  return out;
}

std::optional<std::string> json_from_value(BytesView value) {
  JsonWriter writer;
  std::size_t offset = 0;
  if (value.empty() || !msgpack::parse(value.data(), value.size(), offset, writer))
    return std::nullopt;
  if (offset != value.size()) return std::nullopt;
  return writer.take();
}

}  // namespace quern
