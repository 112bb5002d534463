#include "wire/batch.hpp"

#include <gtest/gtest.h>

#include <random>

namespace quern::wire::test {
namespace {

Batch batch_of(const std::vector<Bytes>& payloads) {
  BatchBuilder builder;
  for (const auto& payload : payloads) builder.add(payload);
  return builder.take();
}

std::vector<Bytes> payloads_of(const Batch& batch) {
  std::vector<Bytes> out;
  for (BatchReader reader(batch); !reader.at_end();) out.emplace_back(reader.next());
  return out;
}

TEST(Batch, equal_sizes_are_sent_once) {
  const auto batch = batch_of({"aa", "bb", "cc"});
  EXPECT_TRUE(batch.sizes.is_uniform());
  EXPECT_EQ(batch.sizes.column().view(), BytesView("\x02\0\0\0", 4));
  EXPECT_EQ(batch.bytes.view(), "aabbcc");
  EXPECT_EQ(batch.weight(), 10u);
}

TEST(Batch, different_sizes_are_sent_as_a_column) {
  const auto batch = batch_of({"aa", "", "c"});
  EXPECT_FALSE(batch.sizes.is_uniform());
  EXPECT_EQ(batch.sizes.column().view(), BytesView("\x02\0\0\0\0\0\0\0\x01\0\0\0", 12));
  EXPECT_EQ(batch.sizes.total(), 3u);
  EXPECT_EQ(batch.weight(), 15u);
}

TEST(Batch, a_batch_returns_the_payloads_that_were_added) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Bytes> payloads(random() % 20);
    const bool equal = random() % 2 == 0;
    for (auto& payload : payloads)
      payload.assign(equal ? 3 : random() % 5, static_cast<char>(random()));
    EXPECT_EQ(payloads_of(batch_of(payloads)), payloads);
  }
}

TEST(Batch, payloads_can_be_written_in_place) {
  BatchBuilder builder;
  builder.bytes() += "one";
  builder.close_payload(3);
  builder.close_payload(0);
  builder.bytes() += "three";
  builder.close_payload(5);
  EXPECT_EQ(builder.count(), 3u);
  EXPECT_EQ(payloads_of(builder.take()), (std::vector<Bytes>{"one", "", "three"}));
  EXPECT_TRUE(builder.empty());
}

TEST(Batch, the_builder_is_empty_after_take) {
  BatchBuilder builder;
  builder.add("a");
  builder.add("bb");
  builder.take();
  builder.add("ccc");
  const auto batch = builder.take();
  EXPECT_TRUE(batch.sizes.is_uniform());
  EXPECT_EQ(payloads_of(batch), (std::vector<Bytes>{"ccc"}));
}

TEST(Batch, columns_of_the_wrong_length_are_refused) {
  EXPECT_FALSE(Sizes::from_column(2, Buffer::copy("1234567")));
  EXPECT_FALSE(Sizes::from_column(2, Buffer::copy("123456789012")));
  EXPECT_FALSE(Sizes::from_column(2, Buffer()));
  EXPECT_TRUE(Sizes::from_column(2, Buffer::copy("12345678")));
  EXPECT_TRUE(Sizes::from_column(2, Buffer::copy("1234")));
}

TEST(Batch, a_uniform_batch_equals_the_same_batch_with_a_column) {
  const auto column = Sizes::from_column(2, Buffer::copy(BytesView("\x02\0\0\0\x02\0\0\0", 8)));
  EXPECT_TRUE(*column == Sizes::uniform(2, 2));
  EXPECT_FALSE(*column == Sizes::uniform(3, 2));
  EXPECT_FALSE(*column == Sizes::uniform(2, 3));
}

TEST(Batch, slices_share_their_memory) {
  const auto batch = batch_of({"a", "bb", "ccc", "dddd"});
  const auto sizes = batch.sizes.slice(1, 3);
  const auto offset = batch.sizes.sum(0, 1);
  const Batch slice{sizes, batch.bytes.slice(offset, sizes.total())};
  EXPECT_EQ(payloads_of(slice), (std::vector<Bytes>{"bb", "ccc"}));
  EXPECT_EQ(slice.bytes.data(), batch.bytes.data() + 1);
  const auto one = batch.sizes.slice(3, 4);
  EXPECT_EQ(one.column().size(), 4u);
  EXPECT_EQ(one.at(0), 4u);
  EXPECT_EQ(Sizes::uniform(10, 7).slice(2, 5), Sizes::uniform(3, 7));
}

}  // namespace
}  // namespace quern::wire::test
