#include "wire/codec.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <msgpack.hpp>
#include <typeinfo>

#include "wire/keys.hpp"
#include "wire/samples.hpp"
#include "wire/text.hpp"

namespace quern::wire::test {
namespace {

Bytes operator""_b(const char* text, std::size_t size) { return Bytes(text, size); }

Envelope decoded(Frames frames) {
  auto result = decode(std::move(frames));
  if (const auto* error = std::get_if<DecodeError>(&result)) {
    ADD_FAILURE() << error->text;
    return {};
  }
  return std::get<Envelope>(std::move(result));
}

/// "struct key" -> whether some sample sets it to something other than its default.
using Coverage = std::map<std::string, bool>;

/// A visitor of keys.hpp that records these fields, including nested ones.
template <typename T>
class CoverageVisitor {
 public:
  CoverageVisitor(Coverage& coverage, const T& value) : coverage_(coverage), value_(value) {
    describe(*this, Of<T>{});
  }

  void number(std::string_view key, auto T::*field, Bounds = {}) { note(key, field); }
  void always(std::string_view key, auto T::*field) { note(key, field); }
  void real(std::string_view key, auto T::*field, Sign) { note(key, field); }
  void flag(std::string_view key, auto T::*field) { note(key, field); }
  void name(std::string_view key, auto T::*field) { note(key, field); }
  void text(std::string_view key, auto T::*field) { note(key, field); }
  void bytes(std::string_view key, auto T::*field) { note(key, field); }
  void word(std::string_view key, auto T::*field) { note(key, field); }
  void code(std::string_view key, auto T::*field) { note(key, field); }
  void uuid(std::string_view key, auto T::*field) { note(key, field); }
  void id(std::string_view key, auto T::*field) { note(key, field); }
  void intervals(std::string_view key, auto T::*field) { note(key, field); }
  void words(std::string_view key, auto T::*field) { note(key, field); }
  void numbers(std::string_view key, auto T::*field) { note(key, field); }
  void names(std::string_view key, auto T::*field) { note(key, field); }
  void reals(std::string_view key, auto T::*field) { note(key, field); }
  template <typename M>
  void object(std::string_view key, M T::*field) {
    note(key, field);
    CoverageVisitor<M>(coverage_, value_.*field);
  }
  template <typename M>
  void object(std::string_view key, std::optional<M> T::*field) {
    note(key, field);
    if (value_.*field) CoverageVisitor<M>(coverage_, *(value_.*field));
  }
  template <typename M>
  void list(std::string_view key, std::vector<M> T::*field) {
    note(key, field);
    if constexpr (requires(CoverageVisitor<M> & v) { describe(v, Of<M>{}); })
      for (const auto& entry : value_.*field) CoverageVisitor<M>(coverage_, entry);
  }
  void part(std::string_view key, bool T::*has, Buffer T::*field) {
    note(key, has);
    note("part", field);
  }
  void body(Buffer T::*field) { note("part", field); }
  void batch(Batch T::*field) { note("batch", field); }
  void costs(std::vector<float> T::*field) { note("costs", field); }

 private:
  template <typename M>
  void note(std::string_view key, M T::*field) {
    static const T defaults{};
    coverage_[std::string(typeid(T).name()) + " " + std::string(key)] |=
        !(value_.*field == defaults.*field);
  }

  Coverage& coverage_;
  const T& value_;
};

TEST(Codec, the_samples_set_every_field) {
  Coverage coverage;
  for (const auto& s : samples())
    std::visit([&]<typename T>(const T& m) { CoverageVisitor<T>(coverage, m); },
               s.envelope.message);
  EXPECT_GT(coverage.size(), 150u);
  for (const auto& [field, set] : coverage) EXPECT_TRUE(set) << "no sample sets " << field;
}

TEST(Codec, every_message_survives_a_round_trip) {
  for (const auto& [name, envelope] : samples())
    EXPECT_TRUE(decoded(encode(envelope)) == envelope) << name;
}

TEST(Codec, type_numbers_are_unique) {
  std::set<std::uint32_t> numbers;
  for (const auto& s : samples())
    std::visit([&]<typename T>(const T&) { numbers.insert(info(Of<T>{}).number); },
               s.envelope.message);
  EXPECT_EQ(numbers.size(), std::variant_size_v<Message>);
}

TEST(Codec, defaults_are_not_sent) {
  const auto frames = encode({SessionId{5}, Beat{}});
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].view(), BytesView("\x93\x06\x05\x80"));
}

TEST(Codec, an_empty_optional_differs_from_an_absent_one) {
  const auto envelope = decoded(encode({SessionId{5}, Beat{false, Capacity{}, {}}}));
  EXPECT_TRUE(std::get<Beat>(envelope.message).capacity.has_value());
}

TEST(Codec, a_batch_of_empty_payloads_survives_a_round_trip) {
  Results results{
      .job = uuid_of(1), .tasks = {{0, 3}}, .errors = {}, .batch = batch_of({"", "", ""})};
  const Envelope envelope{SessionId{5}, results};
  EXPECT_EQ(encode(envelope).size(), 3u);
  EXPECT_TRUE(decoded(encode(envelope)) == envelope);
}

TEST(Codec, large_bodies_are_not_copied) {
  const auto body = Buffer::adopt(Bytes(1 << 20, 'x'));
  const auto frames = encode({SessionId{5}, Common{uuid_of(1), body}});
  EXPECT_EQ(frames[1].data(), body.data());
  EXPECT_EQ(std::get<Common>(decoded(frames).message).bytes.data(), body.data());
}

// ---- unknown keys

using Packer = msgpack::packer<msgpack::sbuffer>;

void pack_unknown(Packer& out, const char* key) {
  out.pack(std::string(key));
  out.pack_array(2);
  out.pack_map(1);
  out.pack(1);
  out.pack_nil();
  out.pack(2.5);
}

/// Copies a value and adds an unknown key at both ends of every map of fields.
void copy_with_unknown_keys(Packer& out, const msgpack::object& o, bool fields = true) {
  if (o.type == msgpack::type::ARRAY) {
    out.pack_array(o.via.array.size);
    for (std::uint32_t i = 0; i < o.via.array.size; ++i)
      copy_with_unknown_keys(out, o.via.array.ptr[i]);
  } else if (o.type == msgpack::type::MAP && fields) {
    out.pack_map(o.via.map.size + 2);
    pack_unknown(out, "a key from the future");
    for (std::uint32_t i = 0; i < o.via.map.size; ++i) {
      const auto& [key, val] = o.via.map.ptr[i];
      out.pack(key);
      const auto name = key.as<std::string>();
      copy_with_unknown_keys(
          out, val,
          name != "labels" && name != "require" && name != "resources" && name != "metadata");
    }
    pack_unknown(out, "zz");
  } else {
    out.pack(o);
  }
}

TEST(Codec, unknown_keys_are_ignored) {
  for (const auto& [name, envelope] : samples()) {
    Frames frames = encode(envelope);
    const auto handle = msgpack::unpack(frames[0].data(), frames[0].size());
    msgpack::sbuffer buffer;
    Packer packer(buffer);
    copy_with_unknown_keys(packer, handle.get());
    frames[0] = Buffer::copy({buffer.data(), buffer.size()});
    EXPECT_TRUE(decoded(frames) == envelope) << name;
  }
}

TEST(Codec, keys_may_come_in_any_order) {
  // {"release": true, "cursor": 6, "job": 16 x 0x11}: an ACK with its keys in reverse order.
  Bytes header =
      "\x93\x13\x05\x83\xa7release\xc3\xa6"
      "cursor\x06\xa3job\xc4\x10"_b +
      Bytes(16, 0x11);
  EXPECT_TRUE(decoded({Buffer::adopt(std::move(header))}).message ==
              Message(Ack{uuid_of(0x11), 6, true}));
}

TEST(Codec, an_unknown_error_word_means_failed) {
  const Bytes header =
      "\x93\x07\x05\x81\xa4"
      "code\xa6newest"_b;
  EXPECT_EQ(std::get<Bye>(decoded({Buffer::copy(header)}).message).code, ErrorCode::failed);
}

TEST(Codec, real_numbers_may_be_integers_or_floats) {
  // SUBMIT with options {"weight": 3} and then {"weight": float32 1.5}.
  Submit submit{
      .job = uuid_of(1), .function = "f", .options = {}, .common = {}, .batch = {}, .costs = {}};
  submit.options.weight = 2;
  const Bytes header(encode({SessionId{1}, submit})[0].view());
  const Bytes sent = "\xcb\x40\0\0\0\0\0\0\0"_b;
  const auto at = header.find(sent);
  ASSERT_NE(at, Bytes::npos);
  for (const auto& [form, weight] :
       {std::pair{"\x03"_b, 3.0}, std::pair{"\xca\x3f\xc0\0\0"_b, 1.5}}) {
    Bytes other = header;
    other.replace(at, sent.size(), form);
    EXPECT_EQ(std::get<Submit>(decoded({Buffer::copy(other)}).message).options.weight, weight);
  }
}

// ---- text

TEST(Codec, long_text_is_cut_between_characters) {
  Bye bye{ErrorCode::failed, "x" + std::string(kTextBytesMax, '\0')};
  for (std::size_t i = 1; i + 1 < bye.text.size(); i += 2) bye.text.replace(i, 2, "\xc3\xa4");
  const auto got = std::get<Bye>(decoded(encode({SessionId{1}, bye})).message).text;
  EXPECT_EQ(got, bye.text.substr(0, kTextBytesMax - 1));
}

TEST(Codec, invalid_utf8_in_text_is_replaced) {
  const auto bye = decoded(encode({SessionId{1}, Bye{ErrorCode::failed, "K\xe4se \xff"}}));
  EXPECT_EQ(std::get<Bye>(bye.message).text, "K?se ?");
}

TEST(Codec, many_long_errors_are_shortened_but_not_lost) {
  Report report;
  report.id = {{1, 2}, 0};
  for (std::uint64_t i = 0; i < 2000; ++i)
    report.errors.push_back({2 * i, 1, ErrorCode::failed, std::string(4000, 'e')});
  const auto frames = encode({SessionId{1}, report});
  EXPECT_LE(frames[0].size(), kHeaderBytesMax);
  const auto got = std::get<Report>(decoded(frames).message);
  ASSERT_EQ(got.errors.size(), report.errors.size());
  EXPECT_EQ(got.errors.back().first, report.errors.back().first);
  EXPECT_EQ(got.errors.back().text, std::string(64, 'e'));
}

TEST(Codec, a_long_answer_is_shortened_and_says_so) {
  Answer answer;
  answer.token = 1;
  answer.workers.resize(5000);
  for (auto& worker : answer.workers) worker.name = std::string(100, 'w');
  const auto got = std::get<Answer>(decoded(encode({SessionId{1}, answer})).message);
  EXPECT_GT(got.workers.size(), 1000u);
  ASSERT_FALSE(got.text.empty());
  EXPECT_NE(got.text.back().find("more did not fit"), std::string::npos);
}

TEST(Codec, a_rate_that_no_peer_would_accept_is_left_out) {
  JobUpdate update;
  update.status.eta_error_s = 1e19;
  update.status.rate = std::numeric_limits<double>::infinity();
  update.status.eta_s = std::numeric_limits<double>::quiet_NaN();
  const auto got = std::get<JobUpdate>(decoded(encode({SessionId{1}, update})).message);
  EXPECT_EQ(got.status.rate, 0);
  EXPECT_EQ(got.status.eta_s, -1);
  EXPECT_EQ(got.status.eta_error_s, -1);
}

TEST(Codec, a_hello_of_another_version_decodes_whatever_else_it_contains) {
  // {"protocol_min": 99, "protocol_max": 100, "role": 7} and a part that HELLO does not have.
  const Bytes header =
      "\x93\x01\0\x83\xac"
      "protocol_min\x63\xac"
      "protocol_max\x64\xa4role\x07"_b;
  const auto envelope = decoded({Buffer::copy(header), Buffer::copy("?")});
  EXPECT_EQ(std::get<Hello>(envelope.message).protocol_min, 99u);
  EXPECT_EQ(std::get<Hello>(envelope.message).protocol_max, 100u);
}

TEST(Codec, every_message_has_its_name) {
  EXPECT_EQ(name_of(Message(Hello{})), "HELLO");
  EXPECT_EQ(name_of(Message(JobUpdate{})), "JOB");
}

}  // namespace
}  // namespace quern::wire::test
