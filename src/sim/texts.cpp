#include "sim/texts.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace gantry::sim {
namespace {

constexpr std::string_view kSentences[] = {
    "A launch is ready when every check is green and somebody has looked at the checks. ",
    "This answer comes from the simulator, so it cost nothing and no model was asked. ",
    "Streams are cut into tokens of at most four bytes, which keeps the arithmetic easy to follow. ",
    "A retry after the first byte would repeat text that the reader has already seen. ",
    "The shortest path from question to answer is a connection that is already open. ",
    "Good defaults are decisions that most people never have to make. ",
    "Budgets hold when money is set aside before the work and counted after it. ",
    "When a model is gone, its nearest relatives are worth a try. ",
    "Latency has a tail, and the tail is what people remember. ",
    "An error message says what happened, why it happened and what to do next. ",
    "Timeouts belong to people; deadlines belong to programs. ",
    "Every queue has a bound, and every bound has an answer for the moment it is reached. ",
};
constexpr std::string_view kUnicodeSentences[] = {
    "Größe und Maß: süße Äpfel kosten 3,50 € pro Kilo. ",
    "東京の天気は晴れ、気温は二十一度です。 ",
    "Ночью поезд идёт медленнее, но приходит вовремя. ",
    "L’été à Besançon, où naît le Doubs ? ",
    "Rakete 🚀, Turm 🗼, Familie 👩‍👩‍👧‍👦 und ein Haken ✅. ",
    "हर उड़ान से पहले जाँच होती है। ",
};
constexpr std::string_view kThought =
    "First I read the question again. Then I list what is known and what is not. The simplest answer fits "
    "all of it, so "
    "I check it once from the other side. Nothing contradicts it. ";
constexpr std::string_view kWords[] = {"harbour", "signal",  "meadow", "copper", "lantern", "orbit",
                                       "velvet",  "granite", "ribbon", "anchor", "willow",  "cobalt",
                                       "ember",   "prism",   "saddle", "tundra"};

// All sentences in a circle, long enough for the longest answer, with the offsets where sentences begin.
struct Circle {
  std::string text;
  std::vector<std::size_t> starts;
  std::size_t per_turn = 0;

  template <std::size_t N>
  Circle(const std::string_view (&sentences)[N], std::size_t bytes) : per_turn(N) {
    while (text.size() < bytes) {
      for (const auto s : sentences) {
        starts.push_back(text.size());
        text += s;
      }
    }
  }
};

const Circle& circle(bool unicode) {
  static const Circle plain(kSentences, 2048);
  static const Circle rich(kUnicodeSentences, 2048);
  return unicode ? rich : plain;
}

const Circle& long_circle(bool unicode) {
  static const Circle plain(kSentences, kLongestProse * 4 + 2048);
  static const Circle rich(kUnicodeSentences, kLongestProse * 4 + 2048);
  return unicode ? rich : plain;
}

}  // namespace

std::size_t token_length(std::string_view text) {
  if (text.size() <= 4) return text.size();
  std::size_t end = 4;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end == 0 ? 4 : end;  // not UTF-8: bytes are as good as any
}

std::int64_t count_tokens(std::string_view text) {
  std::int64_t count = 0;
  for (; !text.empty(); text.remove_prefix(token_length(text))) ++count;
  return count;
}

std::string_view first_tokens(std::string_view text, std::int64_t tokens) {
  std::size_t end = 0;
  for (std::int64_t i = 0; i < tokens && end < text.size(); ++i) end += token_length(text.substr(end));
  return text.substr(0, end);
}

std::string_view prose(std::uint64_t choice, int sentences, bool unicode) {
  const auto& c = circle(unicode);
  const auto first = static_cast<std::size_t>(choice % c.per_turn);
  const auto last = std::min(first + static_cast<std::size_t>(sentences), c.starts.size() - 1);
  return std::string_view(c.text).substr(c.starts[first],
                                         c.starts[last] - c.starts[first] - 1);  // no last space
}

std::string_view prose_of_length(std::uint64_t choice, std::int64_t tokens, bool unicode) {
  const auto& c = long_circle(unicode);
  const auto first = c.starts[static_cast<std::size_t>(choice % c.per_turn)];
  return first_tokens(std::string_view(c.text).substr(first), std::min(tokens, kLongestProse));
}

std::string_view thoughts(std::int64_t tokens) {
  static const std::string all = [] {
    std::string text;
    while (text.size() < 16'384) text += kThought;
    return text;
  }();
  return first_tokens(all, tokens);
}

std::string_view sample_word(std::uint64_t choice) { return kWords[choice % std::size(kWords)]; }

}  // namespace gantry::sim
