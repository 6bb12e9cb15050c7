#include "base/keys.hpp"

#include <gtest/gtest.h>

namespace gantry {
namespace {

TEST(Keys, are_told_from_words) {
  const struct {
    const char* name;
    std::string_view text;
    std::size_t at;
    std::string_view key;     // "" = none begins there
    std::string_view prefix;  // of it
  } rows[] = {
      {"an upstream key", "sk-or-v1-0123456789abcdef", 0, "sk-or-v1-0123456789abcdef", "sk-or-"},
      {"in upper case", "SK-OR-V1-0123", 0, "SK-OR-V1-0123", "SK-OR-"},
      {"the shortest one", "sk-or-x", 0, "sk-or-x", "sk-or-"},
      {"a masked label, and the end of a sentence", "sk-or-v1-abc...123.", 0, "sk-or-v1-abc...123", "sk-or-"},
      {"glued to a word", "keysk-or-v1-012", 3, "sk-or-v1-012", "sk-or-"},
      {"words joined by hyphens", "ask-or-die", 1, "", ""},
      {"the prefix alone", "sk-or- is a prefix", 0, "", ""},
      {"a key that is masked already", "sk-or-***", 0, "", ""},
      {"another provider's", "sk-proj-AbCdEfGh", 0, "sk-proj-AbCdEfGh", "sk-"},
      {"a client's", "gk-live_0123456789", 0, "gk-live_0123456789", "gk-"},
      {"a client's in full, glued to an escape", "%20gk-0123456789abcdefghijABCDEFGHIJ0123456789xyz", 3,
       "gk-0123456789abcdefghijABCDEFGHIJ0123456789xyz", "gk-"},
      {"one that is cut short, within a word", "bangk-0123456789abcdefghij", 3, "", ""},
      {"a client's masked label", "gk-abc...123", 0, "gk-abc...123", "gk-"},
      {"behind punctuation", "?key=gk-01234567&x=1", 5, "gk-01234567", "gk-"},
      {"with the letters of base64", "sk-ab+/cd==ef", 0, "sk-ab+/cd==ef", "sk-"},
      {"a short word", "sk-learn", 0, "", ""},
      {"a word with sk- inside", "task-force-of-seven", 2, "", ""},
      {"a longer word with gk- inside", "bangk-kokness-tower", 4, "", ""},
      {"nothing", "", 0, "", ""},
      {"the end of the text", "sk-", 0, "", ""},
  };
  for (const auto& row : rows) {
    const auto key = key_at(row.text, row.at);
    EXPECT_EQ(key ? row.text.substr(row.at, key->length) : "", row.key) << row.name;
    EXPECT_EQ(key ? row.text.substr(row.at, key->prefix) : "", row.prefix) << row.name;
    if (key) EXPECT_EQ(key->is_openrouters(), row.prefix.size() == 6) << row.name;
  }
}

}  // namespace
}  // namespace gantry
