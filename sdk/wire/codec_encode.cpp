// Encodes messages into bytes. Fields with their default value are left out; all others are in the
// order of keys.hpp, so that equal messages have equal bytes (tests/golden).
#include <bit>
#include <cmath>
#include <msgpack.hpp>

#include "wire/codec.hpp"
#include "wire/keys.hpp"
#include "wire/text.hpp"
#include "wire/words.hpp"

namespace quern::wire {
namespace {

/// The output of msgpack's packer.
struct Sink {
  Bytes& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

/// One message being written: the header so far and the parts after it.
struct Draft {
  Bytes header;
  Frames frames = Frames(1);
  std::size_t text_max = kTextBytesMax;
};

template <typename T>
inline const T kDefaults{};

template <typename T>
class ObjectWriter;

/// Writes single values.
class ValueWriter {
 public:
  explicit ValueWriter(Draft& draft) : draft_(draft), sink_{draft.header}, pack_(sink_) {}

  template <typename Integer>
  requires std::is_integral_v<Integer>
  void put(Integer n) { pack_.pack(n); }
  void put(bool flag) { flag ? pack_.pack_true() : pack_.pack_false(); }
  /// Always float 64: the packer itself would write 2.0 as an integer, and a field should have one
  /// type.
  void put(double d) {
    const auto bits = std::bit_cast<std::uint64_t>(d);
    char bytes[9] = {static_cast<char>(0xcb)};
    for (int i = 1; i <= 8; ++i) bytes[i] = static_cast<char>(bits >> (64 - 8 * i) & 0xff);
    sink_.write(bytes, sizeof bytes);
  }
  void put(JobNumber n) { pack_.pack(value(n)); }
  void put(SessionId id) { pack_.pack(static_cast<std::uint64_t>(id)); }

  /// Text made valid UTF-8; its length is limited elsewhere.
  void put(std::string_view text) {
    if (!valid_utf8(text)) return put_raw_string(clean_utf8(text));
    put_raw_string(text);
  }
  void put(const std::string& text) { put(std::string_view(text)); }
  void put_text(std::string_view text) {
    text = cut_utf8(text, draft_.text_max);
    put(text);
  }
  void put_bytes(BytesView bytes) {
    pack_.pack_bin(static_cast<std::uint32_t>(bytes.size()));
    pack_.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  }
  void put(const Uuid& uuid) {
    put_bytes({reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()});
  }
  void put(const LeaseId& id) {
    pack_.pack_array(2);
    put(id.incarnation);
    put(id.counter);
  }
  void put(const ReportId& id) {
    pack_.pack_array(3);
    put(id.lease.incarnation);
    put(id.lease.counter);
    put(id.part);
  }
  void put(const Intervals& list) {
    array(2 * list.size());
    for (const auto& i : list) {
      put(i.begin);
      put(i.end);
    }
  }
  template <typename T>
  requires(std::is_class_v<T>) && requires(ObjectWriter<T>& w) { describe(w, Of<T>{}); }
  void put(const T& object) { ObjectWriter<T>(draft_, object).write(); }

  void array(std::size_t size) { pack_.pack_array(static_cast<std::uint32_t>(size)); }
  void map(std::size_t size) { pack_.pack_map(static_cast<std::uint32_t>(size)); }

 private:
  void put_raw_string(std::string_view text) {
    pack_.pack_str(static_cast<std::uint32_t>(text.size()));
    pack_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
  }

  Draft& draft_;
  Sink sink_;
  msgpack::packer<Sink> pack_;
};

/// Writes the fields of a T as a map: the visitor of keys.hpp.
template <typename T>
class ObjectWriter {
 public:
  ObjectWriter(Draft& draft, const T& object) : draft_(draft), object_(object), out_(draft) {}

  void write() {
    const std::size_t at = draft_.header.size();
    draft_.header.push_back(0);
    describe(*this, Of<T>{});
    patch_size(at);
  }

  template <typename M>
  void number(std::string_view key, M T::*field, Bounds = {}) {
    plain(key, field);
  }
  template <typename M>
  void always(std::string_view key, M T::*field) {
    add_key(key);
    out_.put(object_.*field);
  }
  /// The rate of no work in no time may be NaN, and an estimated end may be beyond all bounds. Then
  /// it is left out, like any missing value, because it is no reason to end a session.
  void real(std::string_view key, double T::*field, Sign) {
    const double number = object_.*field;
    if (std::isfinite(number) && std::abs(number) <= kRealMax) plain(key, field);
  }
  void flag(std::string_view key, bool T::*field) { plain(key, field); }
  void name(std::string_view key, std::string T::*field) { plain(key, field); }
  void uuid(std::string_view key, Uuid T::*field) { plain(key, field); }
  void uuid(std::string_view key, std::optional<Uuid> T::*field) { object(key, field); }
  template <typename Id>
  void id(std::string_view key, Id T::*field) {
    plain(key, field);
  }
  void intervals(std::string_view key, Intervals T::*field) { plain(key, field); }

  void text(std::string_view key, std::string T::*field) {
    if (begin(key, field)) out_.put_text(object_.*field);
  }
  void bytes(std::string_view key, Bytes T::*field) {
    if (begin(key, field)) out_.put_bytes(object_.*field);
  }
  template <typename Enum>
  void word(std::string_view key, Enum T::*field) {
    if (begin(key, field)) out_.put(wire::word(object_.*field));
  }
  void code(std::string_view key, ErrorCode T::*field) {
    if (begin(key, field)) out_.put(to_string(object_.*field));
  }
  template <typename M>
  void object(std::string_view key, M T::*field) {
    plain(key, field);
  }
  template <typename M>
  void object(std::string_view key, std::optional<M> T::*field) {
    if (begin(key, field)) out_.put(*(object_.*field));
  }
  template <typename M>
  void list(std::string_view key, std::vector<M> T::*field) {
    if (!begin(key, field)) return;
    out_.array((object_.*field).size());
    for (const auto& entry : object_.*field) {
      if constexpr (std::is_same_v<M, std::string>)
        out_.put_text(entry);
      else
        out_.put(entry);
    }
  }
  template <typename Enum>
  void words(std::string_view key, std::vector<Enum> T::*field) {
    if (!begin(key, field)) return;
    out_.array((object_.*field).size());
    for (const Enum entry : object_.*field) out_.put(wire::word(entry));
  }
  void numbers(std::string_view key, std::vector<std::uint64_t> T::*field) {
    if (!begin(key, field)) return;
    out_.array((object_.*field).size());
    for (const std::uint64_t entry : object_.*field) out_.put(entry);
  }
  void names(std::string_view key, std::map<std::string, std::string> T::*field) {
    pairs(key, field);
  }
  void reals(std::string_view key, std::map<std::string, double> T::*field) { pairs(key, field); }

  void body(Buffer T::*field) { draft_.frames.push_back(object_.*field); }
  void part(std::string_view key, bool T::*has, Buffer T::*field) {
    flag(key, has);
    if (object_.*has) body(field);
  }
  void batch(Batch T::*field) {
    const Batch& batch = object_.*field;
    if (batch.count() == 0) return;
    add_key("count");
    out_.put(batch.count());
    draft_.frames.push_back(batch.sizes.column());
    draft_.frames.push_back(batch.bytes);
  }
  void costs(std::vector<float> T::*field) {
    const auto& costs = object_.*field;
    if (costs.empty()) return;
    add_key("costs");
    out_.put(true);
    Bytes column;
    column.reserve(4 * costs.size());
    for (const float cost : costs) {
      const auto bits = std::bit_cast<std::uint32_t>(cost);
      for (int shift = 0; shift < 32; shift += 8)
        column.push_back(static_cast<char>(bits >> shift & 0xff));
    }
    draft_.frames.push_back(Buffer::adopt(std::move(column)));
  }

 private:
  template <typename M>
  bool begin(std::string_view key, M T::*field) {
    if (object_.*field == kDefaults<T>.*field) return false;
    add_key(key);
    return true;
  }
  template <typename M>
  void plain(std::string_view key, M T::*field) {
    if (begin(key, field)) out_.put(object_.*field);
  }
  template <typename M>
  void pairs(std::string_view key, M T::*field) {
    if (!begin(key, field)) return;
    out_.map((object_.*field).size());
    for (const auto& [k, v] : object_.*field) {
      out_.put(k);
      out_.put(v);
    }
  }
  void add_key(std::string_view key) {
    ++count_;
    out_.put(key);
  }
  /// The number of fields is known only now. It nearly always fits into the one byte reserved for
  /// it.
  void patch_size(std::size_t at) {
    Bytes& header = draft_.header;
    if (count_ < 16) {
      header[at] = static_cast<char>(0x80 | count_);
      return;
    }
    const char map16[] = {static_cast<char>(0xde), static_cast<char>(count_ >> 8 & 0xff),
                          static_cast<char>(count_ & 0xff)};
    header.replace(at, 1, map16, 3);
  }

  Draft& draft_;
  const T& object_;
  ValueWriter out_;
  unsigned count_ = 0;
};

template <typename T>
Draft draft_of(SessionId session, const T& message, std::span<const Message> piggybacked,
               std::size_t text_max) {
  Draft draft;
  draft.text_max = text_max;
  draft.header.reserve(160);
  ValueWriter out(draft);
  out.array(piggybacked.empty() ? 3 : 4);
  out.put(info(Of<T>{}).number);
  out.put(session);
  out.put(message);
  if (piggybacked.empty()) return draft;
  out.array(piggybacked.size());
  for (const Message& each : piggybacked) {
    std::visit(
        [&out]<typename R>(const R& acknowledgement) {
          out.array(2);
          out.put(info(Of<R>{}).number);
          out.put(acknowledgement);
        },
        each);
  }
  return draft;
}

/// Shortens a long answer and says so in it, because its reader would refuse it otherwise.
Answer shortened(const Answer& answer) {
  Answer out = answer;
  out.jobs.resize(out.jobs.size() / 2);
  out.workers.resize(out.workers.size() / 2);
  if (out.text.size() > 100) out.text.resize(100);
  const auto left_out =
      answer.jobs.size() - out.jobs.size() + answer.workers.size() - out.workers.size();
  out.text.push_back(std::to_string(left_out) + " more did not fit into one message");
  return out;
}

template <typename T>
Draft fitting_draft(SessionId session, const T& message, std::span<const Message> piggybacked) {
  Draft draft = draft_of(session, message, piggybacked, kTextBytesMax);
  // If there are many errors with long texts, the texts are shortened; no error is dropped.
  for (std::size_t text_max : {256u, 64u, 0u}) {
    if (draft.header.size() <= kHeaderBytesMax) break;
    draft = draft_of(session, message, piggybacked, text_max);
  }
  if constexpr (std::is_same_v<T, Answer>) {
    if (draft.header.size() > kHeaderBytesMax && message.jobs.size() + message.workers.size() > 1)
      return fitting_draft(session, shortened(message), piggybacked);
  }
  return draft;
}

}  // namespace

bool is_acknowledgement(const Message& message) {
  return std::holds_alternative<Accepted>(message) || std::holds_alternative<Reported>(message) ||
         std::holds_alternative<Ack>(message);
}

Frames encode(const Envelope& envelope, std::span<const Message> piggybacked) {
  return std::visit(
      [&](const auto& message) {
        Draft draft = fitting_draft(envelope.session, message, piggybacked);
        draft.frames[0] = Buffer::adopt(std::move(draft.header));
        return std::move(draft.frames);
      },
      envelope.message);
}

std::string_view name_of(const Message& message) {
  return std::visit([]<typename T>(const T&) { return info(Of<T>{}).name; }, message);
}

}  // namespace quern::wire
