#pragma once
// The simulator's prose and its tokenizer. Texts are shared and immutable: ten thousand streams hold views,
// not copies.

#include <cstdint>
#include <string_view>

namespace gantry::sim {

/// The tokenizer: a token is the longest piece of at most four bytes that ends at a character's boundary. For
/// ASCII that is bytes ÷ 4, rounded up. Returns the length in bytes of the first token of `text`; 0 when it
/// is empty.
std::size_t token_length(std::string_view text);
/// How many tokens `text` is.
std::int64_t count_tokens(std::string_view text);
/// The first `tokens` tokens of `text`.
std::string_view first_tokens(std::string_view text, std::int64_t tokens);

/// `sentences` sentences of prose, chosen by `choice`; ASCII, or rich in multi-byte characters.
std::string_view prose(std::uint64_t choice, int sentences, bool unicode);
/// At least `tokens` tokens of prose, cut to exactly that many (up to kLongestProse).
std::string_view prose_of_length(std::uint64_t choice, std::int64_t tokens, bool unicode);
inline constexpr std::int64_t kLongestProse = 50'000;
/// What a reasoning model thinks aloud, `tokens` tokens of it.
std::string_view thoughts(std::int64_t tokens);
/// One lower-case English word.
std::string_view sample_word(std::uint64_t choice);

}  // namespace gantry::sim
