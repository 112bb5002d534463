// The built-in functions: results are compared with known values and must not depend on the split.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <random>

#include "quern/worker.hpp"
#include "wire/number.hpp"
#include "worker/functions/counts.hpp"
#include "worker/functions/philox.hpp"
#include "worker/functions/pi.hpp"
#include "worker/functions/primes.hpp"
#include "worker/functions/wordcount.hpp"

namespace quern::functions {
namespace {

constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();

/// A task for tests.
class HandTask : public Task {
 public:
  BytesView input() const override { return input_; }
  Encoding encoding() const override { return encoding_; }
  Range range() const override { return range_; }
  BytesView common() const override { return common_; }
  std::shared_ptr<const void> common_owner() const override { return nullptr; }
  std::uint64_t index() const override { return 0; }
  std::uint32_t attempt() const override { return 1; }
  bool cancelled() const override { return cancelled_; }

  Bytes input_;
  Encoding encoding_ = Encoding::raw;
  Range range_;
  Bytes common_;
  bool cancelled_ = false;
};

const Functions& builtins() {
  static const Functions functions = [] {
    Functions f;
    add_builtin_functions(f);
    return f;
  }();
  return functions;
}

Bytes call(const std::string& name, Takes takes, HandTask task) {
  const FunctionEntry* entry = builtins().find(name, takes);
  if (!entry) throw std::runtime_error("no function " + name);
  Bytes bytes;
  Output out(bytes);
  entry->body(task, out);
  return bytes;
}
Bytes call_item(const std::string& name, Bytes input, Bytes common = {}) {
  HandTask task;
  task.input_ = std::move(input);
  task.common_ = std::move(common);
  return call(name, Takes::item, task);
}
wire::Int128 call_range(const std::string& name, Range range) {
  HandTask task;
  task.range_ = range;
  return std::get<wire::Int128>(*wire::number_from(call(name, Takes::range, task)));
}

// ---- noop, echo, sleep, spin

TEST(Noop, noop_returns_eight_bytes_or_as_many_as_the_common_input_says) {
  EXPECT_EQ(call_item("noop", "abc"), Bytes("abc\0\0\0\0\0", 8));
  EXPECT_EQ(call_item("noop", "0123456789"), "01234567");
  EXPECT_EQ(call_item("noop", "0123456789", "3"), "012");
  EXPECT_EQ(call_item("noop", "0123456789", "0"), "");
  EXPECT_THROW(call_item("noop", "x", "many"), std::invalid_argument);
  EXPECT_THROW(call_item("noop", "x", "99999999999"), std::invalid_argument);
}

TEST(Noop, noop_counts_its_range) { EXPECT_TRUE(call_range("noop", {-5, 10}) == 15); }

TEST(Echo, echo_returns_its_input) {
  EXPECT_EQ(call_item("echo", Bytes("a\0b", 3)), Bytes("a\0b", 3));
}

TEST(SleepAndSpin, sleep_and_spin_return_their_number) {
  for (const char* name : {"sleep", "spin"}) {
    EXPECT_EQ(call_item(name, "100"), to_value(100));
    HandTask value;
    value.input_ = to_value(1000);
    value.encoding_ = Encoding::value;
    EXPECT_EQ(call(name, Takes::item, value), to_value(1000));
  }
}

TEST(SleepAndSpin, sleep_and_spin_refuse_invalid_times) {
  for (const char* name : {"sleep", "spin"})
    for (const char* input : {"", "x", "-1", "1.5", " 1", "1 ", "99999999999999999999"})
      EXPECT_THROW(call_item(name, input), std::invalid_argument) << name << " " << input;
}

TEST(SleepAndSpin, sleep_and_spin_end_when_cancelled) {
  for (const char* name : {"sleep", "spin"}) {
    HandTask task;
    task.input_ = "3600000000";
    task.cancelled_ = true;
    call(name, Takes::item, task);
  }
}

/// The row of PROTOCOL.md about sleep and spin.
std::string row_of_sleep_and_spin() {
  std::ifstream page(QUERN_SOURCE_DIR "/sdk/wire/PROTOCOL.md");
  for (std::string line; std::getline(page, line);)
    if (line.starts_with("| `sleep`, `spin` |")) return line;
  return "PROTOCOL.md has no row about sleep and spin";
}

TEST(SleepAndSpin, the_protocol_page_names_the_unit_that_they_take) {
  EXPECT_NE(row_of_sleep_and_spin().find("| microseconds"), std::string::npos)
      << row_of_sleep_and_spin();
  const auto begin = std::chrono::steady_clock::now();
  call_item("sleep", "2000");
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::microseconds(2000));
  EXPECT_LT(took, std::chrono::milliseconds(2000));
}

// ---- sum

TEST(Sum, sums_are_exact) {
  EXPECT_TRUE(call_range("sum", {1, 101}) == 5050);
  EXPECT_TRUE(call_range("sum", {5, 5}) == 0);
  EXPECT_TRUE(call_range("sum", {-10, 11}) == 0);
  EXPECT_TRUE(call_range("sum", {kLeast, kMost}) == 2 * wire::Int128(kLeast) + 1);
  EXPECT_TRUE(call_range("sum", {0, kMost}) == wire::Int128(kMost) * (kMost - 1) / 2);
}

// ---- primes

std::uint64_t primes(std::int64_t begin, std::int64_t end) {
  return count_primes({begin, end}, [] { return false; });
}

TEST(Primes, counts_match_known_values) {
  EXPECT_EQ(primes(-100, 2), 0u);
  EXPECT_EQ(primes(0, 3), 1u);
  EXPECT_EQ(primes(2, 2), 0u);
  EXPECT_EQ(primes(2, 3), 1u);
  EXPECT_EQ(primes(3, 4), 1u);
  EXPECT_EQ(primes(4, 5), 0u);
  EXPECT_EQ(primes(0, 10), 4u);
  EXPECT_EQ(primes(1, 1000), 168u);
  EXPECT_EQ(primes(1, 1'000'000), 78'498u);
  EXPECT_EQ(primes(1, 10'000'000), 664'579u);
}

TEST(Primes, small_primes_agree_with_trial_division) {
  for (std::int64_t n = -3; n < 3000; ++n) {
    bool prime = n > 1;
    for (std::int64_t d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
    EXPECT_EQ(primes(n, n + 1), prime ? 1u : 0u) << n;
    if (n >= 0) {
      EXPECT_EQ(is_prime(static_cast<std::uint64_t>(n)), prime) << n;
    }
  }
}

TEST(Primes, large_primes_are_found) {
  // Tables of primes just below powers of ten and two: t5k.org.
  EXPECT_EQ(primes(1'000'000'000'000, 1'000'000'000'100), 4u);  // + 39, 61, 63, 91
  EXPECT_TRUE(is_prime(9'223'372'036'854'775'783u));            // 2^63 - 25, the largest below
  EXPECT_EQ(primes(kMost - 24, kMost), 1u);
  EXPECT_EQ(primes(kMost - 23, kMost), 0u);
  EXPECT_FALSE(is_prime(3'215'031'751u));  // a strong pseudoprime to 2, 3, 5 and 7
  EXPECT_FALSE(is_prime(4'294'967'291ULL * 4'294'967'279ULL));
}

TEST(Primes, counts_do_not_depend_on_the_split) {
  const std::uint64_t whole = primes(999'000, 1'300'000);
  for (std::int64_t step : {1'000, 7'777, 65'537, 299'999}) {
    std::uint64_t sum = 0;
    for (std::int64_t at = 999'000; at < 1'300'000; at += step)
      sum += primes(at, std::min<std::int64_t>(at + step, 1'300'000));
    EXPECT_EQ(sum, whole) << step;
  }
}

TEST(Primes, both_algorithms_agree) {
  // A short range of large numbers is tested number by number, a long one is sieved.
  const std::int64_t at = 10'000'000'000;
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < 1'000'000; i += 1000) sum += primes(at + i, at + i + 1000);
  EXPECT_EQ(sum, primes(at, at + 1'000'000));
}

// ---- pi

TEST(Philox, philox_matches_the_known_answers) {
  // kat_vectors of Random123, philox4x32 with 10 rounds.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Pi, hits_do_not_depend_on_the_split) {
  const std::uint64_t whole = quarter_circle_hits({-1001, 50'000});
  for (std::int64_t step : {1, 2, 3, 1000, 4097}) {
    std::uint64_t sum = 0;
    for (std::int64_t at = -1001; at < 50'000; at += step)
      sum += quarter_circle_hits({at, std::min<std::int64_t>(at + step, 50'000)});
    EXPECT_EQ(sum, whole) << step;
  }
}

TEST(Pi, the_estimate_is_near_pi) {
  const FunctionEntry* pi = builtins().find("pi", Takes::range);
  ASSERT_TRUE(pi && pi->finish);
  EXPECT_EQ(pi->decl.reduce, "sum");
  const std::uint64_t n = 4'000'000;
  const double estimate = from_value<double>(pi->finish(to_value(quarter_circle_hits({0, n})), n));
  EXPECT_NEAR(estimate, 3.14159265, 5 * 1.64 / 2000);  // five standard deviations
}

// ---- wordcount

using Counts = std::map<std::string, std::uint64_t>;

Counts naive(const std::string& text) {
  Counts counts;
  std::string word;
  for (const char c : text + ".") {
    if (c >= 'a' && c <= 'z')
      word += c;
    else if (c >= 'A' && c <= 'Z')
      word += static_cast<char>(c - 'A' + 'a');
    else if (!word.empty())
      ++counts[std::exchange(word, {})];
  }
  return counts;
}

std::string random_text(unsigned seed, std::size_t words) {
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    for (auto n = random() % 7; n > 0; --n) text += "abcdeABCDE\xe4"[random() % 11];
    text += " \n0-_'\xc3\xa9"[random() % 8];
  }
  return text;
}

TEST(WordCount, wordcount_agrees_with_a_naive_count_and_is_canonical) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::string text = random_text(seed, seed * seed * 20);
    const Bytes table = count_words(text);
    EXPECT_EQ(table, to_value(naive(text)));  // msgpack-cxx packs a sorted map in shortest forms
  }
}

TEST(WordCount, wordcount_handles_edge_cases) {
  EXPECT_EQ(count_words(""), to_value(Counts{}));
  EXPECT_EQ(count_words("0 1 2"), to_value(Counts{}));
  EXPECT_EQ(count_words("The the THE"), to_value(Counts{{"the", 3}}));
  EXPECT_EQ(count_words("don't"), to_value(Counts{{"don", 1}, {"t", 1}}));
  EXPECT_EQ(count_words("abcdefgha abcdefgh abcdefghb"),
            to_value(Counts{{"abcdefgh", 1}, {"abcdefgha", 1}, {"abcdefghb", 1}}));
  const std::string huge(70'000, 'x');
  EXPECT_EQ(count_words(huge + " " + std::string(300, 'y') + " " + std::string(40, 'z')),
            to_value(Counts{{huge, 1}, {std::string(300, 'y'), 1}, {std::string(40, 'z'), 1}}));
}

TEST(MergeCounts, merging_is_byte_exact_associative_and_equals_counting_at_once) {
  const std::string a = random_text(1, 5000), b = random_text(2, 100), c = random_text(3, 3000);
  const Bytes x = count_words(a), y = count_words(b), z = count_words(c);
  const Bytes left = merge_counts(merge_counts(x, y), z);
  EXPECT_EQ(left, merge_counts(x, merge_counts(y, z)));
  EXPECT_EQ(left, count_words(a + "." + b + "." + c));
}

TEST(MergeCounts, the_identity_changes_nothing) {
  const ReducerEntry* reducer = builtins().find_reducer("merge_counts");
  ASSERT_TRUE(reducer && reducer->decl.has_identity);
  const Bytes table = count_words("a b b");
  EXPECT_EQ(reducer->fold(reducer->decl.identity, table), table);
  EXPECT_EQ(reducer->fold(table, reducer->decl.identity), table);
}

TEST(MergeCounts, large_counts_keep_their_shortest_form) {
  for (const std::uint64_t n :
       {1ULL, 127ULL, 128ULL, 255ULL, 256ULL, 65535ULL, 65536ULL, 4294967295ULL, 4294967296ULL}) {
    const Bytes table = to_value(Counts{{"w", n}});
    EXPECT_EQ(merge_counts(table, table), to_value(Counts{{"w", 2 * n}})) << n;
  }
}

TEST(MergeCounts, invalid_tables_are_refused) {
  const Bytes good = to_value(Counts{{"a", 1}, {"b", 300}});
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_THROW(merge_counts(good.substr(0, n), good), std::invalid_argument) << n;
  EXPECT_THROW(merge_counts(good + "x", good), std::invalid_argument);
  EXPECT_THROW(merge_counts(to_value(5), good), std::invalid_argument);
  EXPECT_THROW(merge_counts(Bytes("\x82\xa1"
                                  "b\x01\xa1"
                                  "a\x01"),
                            good),
               std::invalid_argument);  // not sorted
  EXPECT_THROW(merge_counts(Bytes("\xdf\xff\xff\xff\xff"), good), std::invalid_argument);
}

// ---- the registry

TEST(Registry, invalid_declarations_are_refused) {
  Functions functions;
  functions.add_raw("f", [](Task&, Output&) {});
  EXPECT_THROW(functions.add_raw("f", [](Task&, Output&) {}), std::invalid_argument);
  EXPECT_NO_THROW(functions.add_raw(
      "f", [](Task&, Output&) {}, {}, Takes::whole));
  EXPECT_THROW(functions.add_raw("", [](Task&, Output&) {}), std::invalid_argument);
  EXPECT_THROW(functions.add_raw(std::string(256, 'x'), [](Task&, Output&) {}),
               std::invalid_argument);
  EXPECT_THROW(functions.add_reducer("sum", [](int a, int) { return a; }), std::invalid_argument);
  EXPECT_EQ(functions.find("f", Takes::range), nullptr);
}

}  // namespace
}  // namespace quern::functions
