// Decodes bytes into messages. The header is unpacked into a zone that the thread reuses (small
// headers need no allocation), and every length is checked before memory is reserved; then the
// visitor of keys.hpp reads the fields it knows.
#include <bit>
#include <cmath>
#include <limits>
#include <msgpack.hpp>

#include "wire/codec.hpp"
#include "wire/keys.hpp"
#include "wire/rules.hpp"
#include "wire/text.hpp"
#include "wire/words.hpp"

namespace quern::wire {
namespace {

/// One message being read: its parts, how many were read, and what is wrong with it. Only the
/// first problem is kept.
struct Reading {
  Frames frames;
  std::size_t taken = 1;
  std::optional<DecodeError> problem;

  void fail(ErrorCode code, std::string_view key, std::string_view what) {
    if (problem) return;
    problem = DecodeError{code, std::string(key)};
    problem->text.append(": ").append(what);
  }
  void malformed(std::string_view key, std::string_view what) {
    fail(ErrorCode::malformed, key, what);
  }
  void over(std::string_view key, std::uint64_t limit) {
    if (!problem) fail(ErrorCode::limit, key, "over the limit of " + std::to_string(limit));
  }
};

using Object = msgpack::object;
using Kind = msgpack::type::object_type;

BytesView str_of(const Object& o) { return {o.via.str.ptr, o.via.str.size}; }
BytesView bin_of(const Object& o) { return {o.via.bin.ptr, o.via.bin.size}; }

template <typename T>
class ObjectReader;

/// Reads single values; `key` is used only in the text of a problem.
class ValueReader {
 public:
  explicit ValueReader(Reading& reading) : reading_(reading) {}

  template <typename Integer>
  requires std::is_unsigned_v<Integer>
  void get(std::string_view key, const Object& o, Integer& out, Bounds bounds = {}) {
    if (o.type != Kind::POSITIVE_INTEGER) return reading_.malformed(key, "not an unsigned integer");
    if (o.via.u64 < bounds.least)
      return reading_.fail(ErrorCode::limit, key, "below the least value allowed");
    const std::uint64_t most =
        std::min<std::uint64_t>(bounds.most, std::numeric_limits<Integer>::max());
    if (o.via.u64 > most) return reading_.over(key, most);
    out = static_cast<Integer>(o.via.u64);
  }
  template <typename Integer>
  requires std::is_signed_v<Integer> && std::is_integral_v<Integer>
  void get(std::string_view key, const Object& o, Integer& out, Bounds = {}) {
    constexpr std::int64_t most = std::numeric_limits<Integer>::max();
    constexpr std::int64_t least = std::numeric_limits<Integer>::min();
    if (o.type == Kind::POSITIVE_INTEGER && o.via.u64 <= static_cast<std::uint64_t>(most)) {
      out = static_cast<Integer>(o.via.u64);
    } else if (o.type == Kind::NEGATIVE_INTEGER && o.via.i64 >= least) {
      out = static_cast<Integer>(o.via.i64);
    } else {
      reading_.malformed(key, "not an integer of this size");
    }
  }
  void get(std::string_view key, const Object& o, JobNumber& out, Bounds = {}) {
    std::uint64_t n = 0;
    get(key, o, n);
    out = JobNumber{n};
  }
  void get(std::string_view key, const Object& o, bool& out) {
    if (o.type != Kind::BOOLEAN) return reading_.malformed(key, "not a boolean");
    out = o.via.boolean;
  }
  void get(std::string_view key, const Object& o, double& out, Sign sign) {
    double d = 0;
    switch (o.type) {
      case Kind::FLOAT32:
      case Kind::FLOAT64:
        d = o.via.f64;
        break;
      case Kind::POSITIVE_INTEGER:
        d = static_cast<double>(o.via.u64);
        break;
      case Kind::NEGATIVE_INTEGER:
        d = static_cast<double>(o.via.i64);
        break;
      default:
        return reading_.malformed(key, "not a number");
    }
    if (!std::isfinite(d)) return reading_.malformed(key, "not finite");
    if (std::abs(d) > kRealMax) return reading_.malformed(key, "too large");
    if (sign == Sign::not_negative && d < 0) return reading_.malformed(key, "negative");
    if (sign == Sign::positive && d <= 0) return reading_.malformed(key, "not above zero");
    out = d;
  }
  void get(std::string_view key, const Object& o, std::string& out, std::size_t bytes_max) {
    if (o.type != Kind::STR) return reading_.malformed(key, "not a string");
    if (o.via.str.size > bytes_max) return reading_.over(key, bytes_max);
    if (!valid_utf8(str_of(o))) return reading_.malformed(key, "not valid UTF-8");
    out.assign(str_of(o));
  }
  void get_bytes(std::string_view key, const Object& o, Bytes& out) {
    if (o.type != Kind::BIN) return reading_.malformed(key, "not binary");
    if (o.via.bin.size > kIdentityBytesMax) return reading_.over(key, kIdentityBytesMax);
    out.assign(bin_of(o));
  }
  void get(std::string_view key, const Object& o, Uuid& out) {
    if (o.type != Kind::BIN || o.via.bin.size != out.bytes.size())
      return reading_.malformed(key, "not a UUID (binary of 16 bytes)");
    std::memcpy(out.bytes.data(), o.via.bin.ptr, out.bytes.size());
  }
  void get(std::string_view key, const Object& o, LeaseId& out) {
    if (!has_size(key, o, 2)) return;
    get(key, o.via.array.ptr[0], out.incarnation);
    get(key, o.via.array.ptr[1], out.counter);
  }
  void get(std::string_view key, const Object& o, ReportId& out) {
    if (!has_size(key, o, 3)) return;
    get(key, o.via.array.ptr[0], out.lease.incarnation);
    get(key, o.via.array.ptr[1], out.lease.counter);
    get(key, o.via.array.ptr[2], out.part);
  }
  void get(std::string_view key, const Object& o, Intervals& out) {
    if (o.type != Kind::ARRAY || o.via.array.size % 2 != 0)
      return reading_.malformed(key, "not a list of begins and ends");
    if (o.via.array.size / 2 > kListMax) return reading_.over(key, kListMax);
    out.resize(o.via.array.size / 2);
    for (std::size_t i = 0; i < out.size(); ++i) {
      get(key, o.via.array.ptr[2 * i], out[i].begin, kTaskCount);
      get(key, o.via.array.ptr[2 * i + 1], out[i].end, kTaskCount);
    }
    if (!well_formed(out)) reading_.malformed(key, "intervals are empty, overlap or do not ascend");
  }
  template <typename T>
  requires(std::is_class_v<T>) && requires(ObjectReader<T>& r) { describe(r, Of<T>{}); }
  void get(std::string_view key, const Object& o, T& out) {
    if (o.type != Kind::MAP) return reading_.malformed(key, "not a map");
    ObjectReader<T>(reading_, o.via.map, out).read();
  }

 private:
  bool has_size(std::string_view key, const Object& o, std::uint32_t size) {
    const bool ok = o.type == Kind::ARRAY && o.via.array.size == size;
    if (!ok) reading_.malformed(key, "not an id");
    return ok;
  }

  Reading& reading_;
};

/// Reads the fields of a T from a map: the visitor of keys.hpp. Absent fields keep their default.
template <typename T>
class ObjectReader {
 public:
  ObjectReader(Reading& reading, const msgpack::object_map& map, T& object)
      : reading_(reading), map_(map), object_(object), in_(reading) {}

  void read() { describe(*this, Of<T>{}); }

  template <typename M>
  void number(std::string_view key, M T::*field, Bounds bounds = {}) {
    plain(key, field, bounds);
  }
  template <typename M>
  void always(std::string_view key, M T::*field) {
    plain(key, field);
  }
  void real(std::string_view key, double T::*field, Sign sign) { plain(key, field, sign); }
  void flag(std::string_view key, bool T::*field) { plain(key, field); }
  void name(std::string_view key, std::string T::*field) { plain(key, field, kNameBytesMax); }
  void text(std::string_view key, std::string T::*field) { plain(key, field, kTextBytesMax); }
  void uuid(std::string_view key, Uuid T::*field) { plain(key, field); }
  void uuid(std::string_view key, std::optional<Uuid> T::*field) { object(key, field); }
  template <typename Id>
  void id(std::string_view key, Id T::*field) {
    plain(key, field);
  }
  void intervals(std::string_view key, Intervals T::*field) { plain(key, field); }

  void bytes(std::string_view key, Bytes T::*field) {
    if (const Object* o = find(key)) in_.get_bytes(key, *o, object_.*field);
  }
  template <typename Enum>
  void word(std::string_view key, Enum T::*field) {
    const Object* o = find(key);
    if (o) get_word(key, *o, object_.*field);
  }
  template <typename Enum>
  void words(std::string_view key, std::vector<Enum> T::*field) {
    const Object* o = find(key);
    if (!o) return;
    if (o->type != Kind::ARRAY) return reading_.malformed(key, "not an array");
    if (o->via.array.size > kListMax) return reading_.over(key, kListMax);
    for (std::uint32_t i = 0; i < o->via.array.size && !reading_.problem; ++i)
      get_word(key, o->via.array.ptr[i], (object_.*field).emplace_back());
  }
  /// Unlike other words, an unknown error code is not an error: a newer peer may have more codes.
  void code(std::string_view key, ErrorCode T::*field) {
    const Object* o = find(key);
    if (!o) return;
    if (o->type != Kind::STR) return reading_.malformed(key, "not a string");
    object_.*field = error_code(str_of(*o));
  }
  template <typename M>
  void object(std::string_view key, M T::*field) {
    plain(key, field);
  }
  template <typename M>
  void object(std::string_view key, std::optional<M> T::*field) {
    if (const Object* o = find(key)) in_.get(key, *o, (object_.*field).emplace());
  }
  template <typename M>
  void list(std::string_view key, std::vector<M> T::*field) {
    const Object* o = find(key);
    if (!o) return;
    if (o->type != Kind::ARRAY) return reading_.malformed(key, "not an array");
    if (o->via.array.size > kListMax) return reading_.over(key, kListMax);
    for (std::uint32_t i = 0; i < o->via.array.size && !reading_.problem; ++i) {
      M& entry = (object_.*field).emplace_back();
      if constexpr (std::is_same_v<M, std::string>)
        in_.get(key, o->via.array.ptr[i], entry, kTextBytesMax);
      else
        in_.get(key, o->via.array.ptr[i], entry);
    }
  }
  void numbers(std::string_view key, std::vector<std::uint64_t> T::*field) {
    const Object* o = find(key);
    if (!o) return;
    if (o->type != Kind::ARRAY) return reading_.malformed(key, "not an array");
    if (o->via.array.size > kListMax) return reading_.over(key, kListMax);
    for (std::uint32_t i = 0; i < o->via.array.size && !reading_.problem; ++i)
      in_.get(key, o->via.array.ptr[i], (object_.*field).emplace_back());
  }
  void names(std::string_view key, std::map<std::string, std::string> T::*field) {
    pairs(key, field, kNameBytesMax);
  }
  void reals(std::string_view key, std::map<std::string, double> T::*field) {
    pairs(key, field, Sign::not_negative);
  }

  void body(Buffer T::*field) {
    if (auto frame = take_part("item")) object_.*field = std::move(*frame);
  }
  void part(std::string_view key, bool T::*has, Buffer T::*field) {
    flag(key, has);
    if (object_.*has) body(field);
  }
  void batch(Batch T::*field) {
    const Object* o = find("count");
    if (!o) return;
    std::uint64_t count = 0;
    in_.get("count", *o, count, Bounds{0, kBatchTasksMax});
    if (count == 0) return;
    auto column = take_part("sizes");
    auto bytes = take_part("bytes");
    if (!column || !bytes) return;
    auto sizes = Sizes::from_column(count, std::move(*column));
    if (!sizes) return reading_.malformed("sizes", "neither one nor one per task");
    // The only pass over the column. It ensures that no forged size reaches beyond the bytes.
    if (sizes->total() != bytes->size())
      return reading_.malformed("sizes", "do not add up to the bytes");
    object_.*field = Batch{std::move(*sizes), std::move(*bytes)};
  }
  void costs(std::vector<float> T::*field) {
    const Object* o = find("costs");
    bool has = false;
    if (o) in_.get("costs", *o, has);
    if (!has) return;
    const auto column = take_part("costs");
    if (!column) return;
    if (column->empty() || column->size() % 4 != 0 || column->size() / 4 > kBatchTasksMax)
      return reading_.malformed("costs", "not one per task");
    auto& out = object_.*field;
    out.reserve(column->size() / 4);
    for (std::size_t at = 0; at < column->size(); at += 4) {
      std::uint32_t bits = 0;
      for (std::size_t i = 4; i-- > 0;)
        bits = bits << 8 | static_cast<unsigned char>(column->data()[at + i]);
      const float cost = std::bit_cast<float>(bits);
      if (!(cost >= 0) || std::isinf(cost))
        return reading_.malformed("costs", "a cost is negative or not finite");
      out.push_back(cost);
    }
  }

 private:
  /// Searches from the position of the last key, because peers mostly send keys in our order.
  const Object* find(std::string_view key) {
    if (reading_.problem) return nullptr;
    for (std::uint32_t i = 0; i < map_.size; ++i) {
      const auto& entry = map_.ptr[next_];
      if (++next_ == map_.size) next_ = 0;
      if (entry.key.type == Kind::STR && str_of(entry.key) == key) return &entry.val;
    }
    return nullptr;
  }
  template <typename Enum>
  void get_word(std::string_view key, const Object& o, Enum& out) {
    const auto known = o.type == Kind::STR ? from_word<Enum>(str_of(o)) : std::nullopt;
    if (!known) return reading_.malformed(key, "not one of the words for it");
    out = *known;
  }
  template <typename M, typename... Rule>
  void plain(std::string_view key, M T::*field, Rule... rule) {
    if (const Object* o = find(key)) in_.get(key, *o, object_.*field, rule...);
  }
  template <typename M, typename Rule>
  void pairs(std::string_view key, M T::*field, Rule rule) {
    const Object* o = find(key);
    if (!o) return;
    if (o->type != Kind::MAP) return reading_.malformed(key, "not a map");
    if (o->via.map.size > kListMax) return reading_.over(key, kListMax);
    for (std::uint32_t i = 0; i < o->via.map.size && !reading_.problem; ++i) {
      std::string name;
      in_.get(key, o->via.map.ptr[i].key, name, kNameBytesMax);
      in_.get(key, o->via.map.ptr[i].val, (object_.*field)[std::move(name)], rule);
    }
  }
  std::optional<Buffer> take_part(std::string_view what) {
    if (reading_.problem) return std::nullopt;
    if (reading_.taken == reading_.frames.size()) {
      reading_.malformed(what, "the part is missing");
      return std::nullopt;
    }
    Buffer& frame = reading_.frames[reading_.taken++];
    if (frame.size() > kItemBytesMax) {
      reading_.over(what, kItemBytesMax);
      return std::nullopt;
    }
    return std::move(frame);
  }

  Reading& reading_;
  const msgpack::object_map& map_;
  T& object_;
  ValueReader in_;
  std::uint32_t next_ = 0;
};

/// A HELLO of a peer with no version in common may contain anything besides its two version keys.
/// It must still decode, because the answer is REFUSED with our versions. Returns a HELLO with only
/// these two keys; nullopt if there is a common version.
std::optional<Hello> foreign_hello(const msgpack::object_map& fields) {
  std::uint64_t least = 1;  // the defaults of PROTOCOL.md, whatever versions we support
  std::uint64_t most = 1;
  for (std::uint32_t i = 0; i < fields.size; ++i) {
    const auto& [key, val] = fields.ptr[i];
    if (key.type != Kind::STR || val.type != Kind::POSITIVE_INTEGER) continue;
    if (str_of(key) == "protocol_min") least = val.via.u64;
    if (str_of(key) == "protocol_max") most = val.via.u64;
  }
  if (least <= kProtocolVersion && most >= kProtocolOldest) return std::nullopt;
  constexpr std::uint64_t highest = std::numeric_limits<std::uint32_t>::max();
  Hello hello;
  hello.protocol_min = static_cast<std::uint32_t>(std::min(least, highest));
  hello.protocol_max = static_cast<std::uint32_t>(std::min(std::max(least, most), highest));
  if (most < kProtocolOldest)
    hello.protocol_min = hello.protocol_max = static_cast<std::uint32_t>(most);
  return hello;
}

template <typename T>
Message read_message(Reading& reading, const msgpack::object_map& fields) {
  if constexpr (std::is_same_v<T, Hello>) {
    if (auto foreign = foreign_hello(fields)) return std::move(*foreign);
  }
  Message out = T{};
  ObjectReader<T>(reading, fields, std::get<T>(out)).read();
  if (!reading.problem && reading.taken != reading.frames.size())
    reading.malformed("parts", "more than the header names");
  if (!reading.problem) reading.problem = broken_rule(out);
  if (reading.problem) {
    reading.problem->text.insert(0, std::string(info(Of<T>{}).name) + ": ");
    if constexpr (std::is_same_v<T, Submit> || std::is_same_v<T, Append>)
      if (const Uuid job = std::get<T>(out).job; !job.is_nil()) reading.problem->job = job;
  }
  return out;
}

/// Finds the alternative of Message with this type number and reads it.
template <std::size_t I = 0>
std::optional<Message> read_type(std::uint64_t type, Reading& reading,
                                 const msgpack::object_map& fields) {
  if constexpr (I == std::variant_size_v<Message>) {
    return std::nullopt;
  } else {
    using T = std::variant_alternative_t<I, Message>;
    if (info(Of<T>{}).number == type) return read_message<T>(reading, fields);
    return read_type<I + 1>(type, reading, fields);
  }
}

/// Unpacks a whole header into `zone`; strings are not copied. nullopt for anything that is not
/// one msgpack value.
std::optional<Object> unpack_header(msgpack::zone& zone, BytesView header) {
  static const msgpack::unpack_limit limit(2 * kListMax, kListMax, kHeaderBytesMax, kHeaderBytesMax,
                                           kHeaderBytesMax, kDepthMax);
  const auto refer = [](Kind, std::size_t, void*) { return true; };
  try {
    std::size_t used = 0;
    bool referenced = false;
    Object o = msgpack::unpack(zone, header.data(), header.size(), used, referenced, refer, nullptr,
                               limit);
    if (used == header.size()) return o;
  } catch (const std::exception&) {  // how msgpack reports invalid bytes
  }
  return std::nullopt;
}

std::variant<Envelope, DecodeError> malformed(std::string text) {
  return DecodeError{ErrorCode::malformed, std::move(text)};
}

/// Reads the piggybacked acknowledgements of a header: an array of [type, fields]. nullopt if they
/// are valid.
std::optional<DecodeError> read_piggybacked(const Object& list, Piggybacked& piggybacked) {
  if (list.type != Kind::ARRAY)
    return DecodeError{ErrorCode::malformed, "piggybacked acknowledgements: not an array"};
  if (list.via.array.size > kPiggybackedMax)
    return DecodeError{ErrorCode::limit, "piggybacked acknowledgements: over the limit of " +
                                             std::to_string(kPiggybackedMax)};
  for (const Object* o = list.via.array.ptr; o != list.via.array.ptr + list.via.array.size; ++o) {
    if (o->type != Kind::ARRAY || o->via.array.size != 2 ||
        o->via.array.ptr[0].type != Kind::POSITIVE_INTEGER || o->via.array.ptr[1].type != Kind::MAP)
      return DecodeError{ErrorCode::malformed,
                         "piggybacked acknowledgements: not arrays of a type and fields"};
    Reading reading{.frames = Frames(1), .taken = 1, .problem = {}};
    auto message = read_type(o->via.array.ptr[0].via.u64, reading, o->via.array.ptr[1].via.map);
    if (reading.problem) return std::move(reading.problem);
    if (!message || !is_acknowledgement(*message))
      return DecodeError{ErrorCode::malformed,
                         "piggybacked acknowledgements: a message of another type"};
    piggybacked.push_back(std::move(*message));
  }
  return std::nullopt;
}

}  // namespace

std::variant<Envelope, DecodeError> decode(Frames frames, Piggybacked* piggybacked) {
  if (piggybacked) piggybacked->clear();
  if (frames.empty()) return malformed("no parts");
  if (frames.size() > kPartsMax) return DecodeError{ErrorCode::limit, "more than 5 parts"};
  if (frames[0].size() > kHeaderBytesMax)
    return DecodeError{ErrorCode::limit, "header: over the limit of 262144 bytes"};

  thread_local msgpack::zone zone;
  zone.clear();
  const Buffer header = frames[0];
  const auto root = unpack_header(zone, header.view());
  if (!root) return malformed("header: not one msgpack value within the limits");
  const std::uint32_t size = root->type == Kind::ARRAY ? root->via.array.size : 0;
  if (size != 3 && (size != 4 || !piggybacked)) return malformed("header: not an array of 3");
  const Object& type = root->via.array.ptr[0];
  const Object& session = root->via.array.ptr[1];
  const Object& fields = root->via.array.ptr[2];
  if (type.type != Kind::POSITIVE_INTEGER) return malformed("type: not an unsigned integer");
  if (session.type != Kind::POSITIVE_INTEGER) return malformed("session: not an unsigned integer");
  if (fields.type != Kind::MAP) return malformed("fields: not a map");

  Reading reading{.frames = std::move(frames), .taken = 1, .problem = {}};
  auto message = read_type(type.via.u64, reading, fields.via.map);
  if (!message) return malformed("type " + std::to_string(type.via.u64) + " is no message");
  if (reading.problem) return std::move(*reading.problem);
  if (size == 4) {
    if (auto problem = read_piggybacked(root->via.array.ptr[3], *piggybacked)) {
      piggybacked->clear();
      return std::move(*problem);
    }
  }
  return Envelope{SessionId{session.via.u64}, std::move(*message)};
}

}  // namespace quern::wire
