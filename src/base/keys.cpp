#include "base/keys.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace gantry {
namespace {

constexpr std::string_view kOpenRouter = "sk-or-";
constexpr std::size_t kShortest = 8;        // characters behind sk- and gk-
constexpr std::size_t kShortestInWord = 5;  // behind an sk-or- that is glued to a word, as in "ask-or-die"
constexpr std::size_t kClientKey = 43;      // letters and digits behind the gk- of a client key, exactly

// Wider than any key's alphabet (base64, JWT, percent-encoded, masked): hiding a little more is the safe
// side.
constexpr bool is_key_char(char c) {
  return is_alnum(c) || std::string_view("-_.*+/=~%").find(c) != std::string_view::npos;
}

// How much of a key stands at the beginning of `text`.
std::size_t body_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_key_char(text[length])) ++length;
  while (length > 0 && text[length - 1] == '.') --length;
  return length;
}

bool is_client_keys_body(std::string_view text) {
  return text.size() >= kClientKey && std::ranges::all_of(text.substr(0, kClientKey), is_alnum);
}

}  // namespace

std::optional<KeyShape> key_at(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.size() < 4 || to_lower(rest[1]) != 'k' || rest[2] != '-') return std::nullopt;
  const char first = to_lower(rest[0]);
  if (first != 's' && first != 'g') return std::nullopt;
  const bool begins_word = at == 0 || !is_alnum(text[at - 1]);
  if (starts_with_any_case(rest, kOpenRouter)) {
    const auto body = rest.substr(kOpenRouter.size());
    const std::size_t length = body_length(body);
    if (length >= (begins_word ? 1 : kShortestInWord) && is_alnum(body.front()))
      return KeyShape{kOpenRouter.size(), kOpenRouter.size() + length};
  }
  const auto body = rest.substr(3);
  // No word goes on like a client key, so that one is found where it is glued to something ("Bearer%20gk-…").
  if (!begins_word && (first == 's' || !is_client_keys_body(body))) return std::nullopt;
  const std::size_t length = body_length(body);
  if (length < kShortest) return std::nullopt;
  return KeyShape{3, 3 + length};
}

}  // namespace gantry
