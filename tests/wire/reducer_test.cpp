#include "wire/reducer.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "wire/limits.hpp"
#include "wire/number.hpp"

namespace quern::wire::test {
namespace {

constexpr Builtin kAll[] = {Builtin::sum, Builtin::min, Builtin::max, Builtin::count,
                            Builtin::concat};

/// Folds results[begin, end) along a random tree, as workers and the broker may do.
Bytes folded(Builtin reducer, Encoding encoding, const std::vector<Bytes>& results,
             std::size_t begin, std::size_t end, std::mt19937_64& random) {
  if (end - begin == 1) {
    Bytes partial = results[begin];
    const auto error = begin_partial(reducer, encoding, partial);
    EXPECT_FALSE(error) << error->text;
    return partial;
  }
  const std::size_t middle = begin + 1 + random() % (end - begin - 1);
  Bytes left = folded(reducer, encoding, results, begin, middle, random);
  const auto error = fold(reducer, left, folded(reducer, encoding, results, middle, end, random));
  EXPECT_FALSE(error) << error->text;
  return left;
}

void expect_same_for_every_carving(Builtin reducer, Encoding encoding,
                                   const std::vector<Bytes>& results) {
  std::mt19937_64 random(3);
  const Bytes once = folded(reducer, encoding, results, 0, results.size(), random);
  for (int i = 0; i < 30; ++i)
    ASSERT_EQ(folded(reducer, encoding, results, 0, results.size(), random), once);
}

std::vector<Bytes> integers(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Bytes> out;
  for (int i = 0; i < 200; ++i) {
    const auto magnitude = static_cast<Int128>(random() >> (random() % 64));
    out.push_back(bytes_of(random() % 2 == 0 ? magnitude : -(magnitude >> 1)));
  }
  return out;
}

TEST(Reducer, integer_sums_are_byte_identical_for_every_split) {
  for (const auto reducer : kAll) {
    if (reducer == Builtin::concat) continue;
    for (std::uint64_t seed = 0; seed < 10; ++seed)
      expect_same_for_every_carving(reducer, Encoding::value, integers(seed));
  }
}

TEST(Reducer, sums_may_exceed_64_bits_in_between) {
  std::vector<Bytes> results(100, bytes_of(Int128{std::numeric_limits<std::int64_t>::max()}));
  results.resize(200, bytes_of(Int128{-std::numeric_limits<std::int64_t>::max()}));
  results.push_back(bytes_of(Int128{42}));
  expect_same_for_every_carving(Builtin::sum, Encoding::value, results);
  std::mt19937_64 random(1);
  EXPECT_EQ(folded(Builtin::sum, Encoding::value, results, 0, results.size(), random),
            bytes_of(Int128{42}));
}

TEST(Reducer, min_and_max_are_byte_identical_for_every_split) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<Bytes> results;
  for (const Number& n :
       {Number(1.0), Number(Int128{1}), Number(0.0), Number(-0.0), Number(nan), Number(-2.5),
        Number(Int128{7}), Number(7.0), Number(Int128{-3}), Number(-3.0)})
    results.push_back(bytes_of(n));
  std::mt19937_64 random(9);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(results.begin(), results.end(), random);
    expect_same_for_every_carving(Builtin::min, Encoding::value, results);
    expect_same_for_every_carving(Builtin::max, Encoding::value, results);
  }
}

TEST(Reducer, concat_keeps_the_order) {
  std::vector<Bytes> results{"a", "", "b", Bytes("\0c", 2), "d"};
  expect_same_for_every_carving(Builtin::concat, Encoding::raw, results);
  std::mt19937_64 random(1);
  EXPECT_EQ(folded(Builtin::concat, Encoding::raw, results, 0, results.size(), random),
            Bytes("ab\0cd", 5));
}

TEST(Reducer, concat_of_string_values_joins_their_bytes) {
  for (const auto& [value, bytes] :
       {std::pair{Bytes("\xa2hi"), "hi"}, std::pair{Bytes("\xd9\x02hi"), "hi"},
        std::pair{Bytes("\xc4\x01x"), "x"}, std::pair{Bytes("\xda\0\x01x", 4), "x"},
        std::pair{Bytes("\xc6\0\0\0\x01x", 6), "x"}, std::pair{Bytes("\xa0"), ""}}) {
    Bytes partial = value;
    EXPECT_FALSE(begin_partial(Builtin::concat, Encoding::value, partial));
    EXPECT_EQ(partial, bytes);
  }
  for (Bytes bad : {Bytes("\x05"), Bytes("\xa2h"), Bytes("\xd9"), Bytes("\xa1hi"), Bytes()})
    EXPECT_TRUE(begin_partial(Builtin::concat, Encoding::value, bad));
}

TEST(Reducer, count_accepts_any_bytes) {
  Bytes partial = "whatever";
  EXPECT_FALSE(begin_partial(Builtin::count, Encoding::raw, partial));
  EXPECT_FALSE(fold(Builtin::count, partial, bytes_of(Int128{41})));
  EXPECT_EQ(partial, bytes_of(Int128{42}));
}

TEST(Reducer, numeric_reducers_refuse_other_bytes) {
  for (const auto reducer : {Builtin::sum, Builtin::min, Builtin::max}) {
    Bytes text = "\xa1x";
    EXPECT_TRUE(begin_partial(reducer, Encoding::value, text));
    Bytes raw = "5";
    EXPECT_TRUE(begin_partial(reducer, Encoding::raw, raw));
    Bytes wide = bytes_of(static_cast<Int128>(1) << 70);  // results of users must fit into 64 bits
    EXPECT_TRUE(begin_partial(reducer, Encoding::value, wide));
    Bytes left = bytes_of(Int128{1});
    EXPECT_TRUE(fold(reducer, left, "junk"));
  }
}

TEST(Reducer, a_result_over_the_limit_is_an_error) {
  Bytes sum = bytes_of(Int128{std::numeric_limits<std::uint64_t>::max()});
  EXPECT_FALSE(end_partial(Builtin::sum, sum));
  EXPECT_FALSE(fold(Builtin::sum, sum, bytes_of(Int128{1})));
  const auto error = end_partial(Builtin::sum, sum);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->text, "the result of reducer 'sum' does not fit 64 bits");
  Bytes joined(kItemBytesMax, 'x');
  EXPECT_TRUE(fold(Builtin::concat, joined, "y"));
}

TEST(Reducer, reducing_nothing_gives_the_identity) {
  EXPECT_EQ(reduction_of_nothing(Builtin::sum), bytes_of(Int128{0}));
  EXPECT_EQ(reduction_of_nothing(Builtin::count), bytes_of(Int128{0}));
  EXPECT_EQ(reduction_of_nothing(Builtin::concat), Bytes{});
  EXPECT_FALSE(reduction_of_nothing(Builtin::min));
  EXPECT_FALSE(reduction_of_nothing(Builtin::max));
}

TEST(Reducer, names_select_the_builtin_reducers) {
  EXPECT_EQ(builtin_reducer("concat"), Builtin::concat);
  EXPECT_FALSE(builtin_reducer("merge_counts"));
  EXPECT_FALSE(builtin_reducer(""));
  EXPECT_EQ(result_encoding(Builtin::concat), Encoding::raw);
  EXPECT_EQ(result_encoding(Builtin::sum), Encoding::value);
}

}  // namespace
}  // namespace quern::wire::test
