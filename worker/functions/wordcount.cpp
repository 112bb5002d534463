#include "worker/functions/wordcount.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "worker/functions/builtin.hpp"
#include "worker/functions/counts.hpp"

namespace quern::functions {
namespace {

/// The lower-case letter of a byte, 0 if it is not a letter.
constexpr std::array<char, 256> kLetter = [] {
  std::array<char, 256> letters{};
  for (std::size_t i = 0; i < 26; ++i)
    letters['a' + i] = letters['A' + i] = static_cast<char>('a' + i);
  return letters;
}();

/// An open-addressing table of words with linear probing, cleared and reused for the next text.
class WordTable {
 public:
  void count(BytesView word, std::uint64_t hash) {
    if (2 * (words_.size() + 1) > index_.size()) grow();
    for (std::uint64_t at = hash & mask();; at = (at + 1) & mask()) {
      const std::uint32_t i = index_[at];
      if (i == 0) {
        words_.push_back({word, prefix_of(word), hash, 1});
        index_[at] = static_cast<std::uint32_t>(words_.size());
        return;
      }
      Word& known = words_[i - 1];
      if (known.hash == hash && known.text == word) {
        ++known.count;
        return;
      }
    }
  }

  Bytes take() {
    std::sort(words_.begin(), words_.end(), [](const Word& a, const Word& b) {
      return a.prefix != b.prefix ? a.prefix < b.prefix : a.text < b.text;
    });
    CountsWriter out;
    for (const auto& word : words_) out.add(word.text, word.count);
    words_.clear();
    std::fill(index_.begin(), index_.end(), 0);
    return out.take();
  }

 private:
  struct Word {
    BytesView text;
    std::uint64_t prefix;  // the first 8 bytes as a number: decides most comparisons
    std::uint64_t hash;
    std::uint64_t count;
  };

  static std::uint64_t prefix_of(BytesView word) {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < 8; ++i)
      n = n << 8 | (i < word.size() ? static_cast<unsigned char>(word[i]) : 0);
    return n;
  }

  std::uint64_t mask() const { return index_.size() - 1; }

  void grow() {
    index_.assign(std::max<std::size_t>(1024, 2 * index_.size()), 0);
    for (std::uint32_t i = 0; i < words_.size(); ++i) {
      std::uint64_t at = words_[i].hash & mask();
      while (index_[at] != 0) at = (at + 1) & mask();
      index_[at] = i + 1;
    }
  }

  std::vector<std::uint32_t> index_;  // 1 + place in words_, 0: free
  std::vector<Word> words_;
};

}  // namespace

Bytes count_words(BytesView text) {
  thread_local WordTable table;
  thread_local Bytes lower;
  lower.resize(text.size());  // never grows while views point into it
  char* out = lower.data();
  for (std::size_t i = 0; i < text.size();) {
    const char* word = out;
    // A multiplicative hash (FNV-1a's step) over the letters as they are copied.
    std::uint64_t hash = 1469598103934665603ULL;
    for (char letter;
         i < text.size() && (letter = kLetter[static_cast<unsigned char>(text[i])]) != 0; ++i) {
      *out++ = letter;
      hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
    }
    if (out != word) table.count({word, static_cast<std::size_t>(out - word)}, hash ^ hash >> 32);
    ++i;  // skips the character after the word, which is not a letter
  }
  return table.take();
}

void add_wordcount(Functions& functions) {
  functions.add_body("wordcount", Takes::item, Encoding::value,
                     [](Task& task, Output& out) { out.append(count_words(task.input())); },
                     {.idempotent = true});
  functions.add_reducer_body({"merge_counts", Encoding::value, true, CountsWriter().take()},
                             merge_counts);
}

}  // namespace quern::functions
