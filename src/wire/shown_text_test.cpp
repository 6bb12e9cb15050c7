#include "wire/shown_text.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace gantry::wire {
namespace {

TEST(ShownText, is_one_clean_line) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"plain", "plain"},
      {"  two \n\r\n lines\t", "two lines"},
      {std::string("a\0b\x1b[31mred\x7f", 12), "a b [31mred"},
      {"c1 \xC2\x85 next line", "c1 next line"},
      {"line\xE2\x80\xA8separator", "line separator"},
      {"right\xE2\x80\xAE"
       "to left",
       "right to left"},
      {"isolate\xE2\x81\xA6"
       "d",
       "isolate d"},
      {"caf\xC3\xA9 \xF0\x9F\x98\x80", "caf\xC3\xA9 \xF0\x9F\x98\x80"},
      {"", ""},
      {" \n ", ""},
  };
  for (const auto& [text, shown] : rows)
    EXPECT_EQ(shown_text(text, 500), shown) << testing::PrintToString(text);
}

TEST(ShownText, masks_whatever_looks_like_a_key) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"key sk-or-v1-0123456789abcdef is disabled", "key *** is disabled"},
      {"key sk-or-v1-abc...123 is disabled.", "key *** is disabled."},
      {"Bearer SK-OR-v1-ABCDEF", "Bearer ***"},
      {"use sk-proj-AbCdEfGh1234.", "use ***."},
      {"\"gk-0123456789\"", "\"***\""},
      {"xsk-or-v1-abc", "x***"},
      {"sk-or-v1-aaa,sk-or-v1-bbb", "***,***"},
      {"a task-force-of-the-year and a desk-top-publisher",
       "a task-force-of-the-year and a desk-top-publisher"},
      {"the prefix sk-or- alone", "the prefix sk-or- alone"},
      {"sk-learn", "sk-learn"},
  };
  for (const auto& [text, shown] : rows) EXPECT_EQ(shown_text(text, 500), shown) << text;
}

TEST(ShownText, is_cut_between_characters) {
  EXPECT_EQ(shown_text("abcdef", 6), "abcdef");
  EXPECT_EQ(shown_text("abcdefg", 6), "abc…");
  EXPECT_EQ(shown_text("ééééé", 8), "éé…");
}

TEST(ShownText, keeps_its_promises_for_any_text) {
  EXPECT_TRUE(rc::check("short, one line, no key", [] {
    const auto words = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "sk-or-v1-", "deadbeef", "sk-", "gk-", "\n", " ", "é", "\xE2\x80\xA8", "0123456789", "."));
    const auto limit = *rc::gen::inRange<std::size_t>(4, 60);
    std::string text;
    for (const auto& word : words) text += word;
    const std::string shown = shown_text(text, limit);
    RC_ASSERT(shown.size() <= limit);
    RC_ASSERT(shown.find('\n') == std::string::npos);
    RC_ASSERT(shown.find("sk-or-v1-d") == std::string::npos);
    RC_ASSERT(shown_text(shown, limit) == shown);
  }));
}

}  // namespace
}  // namespace gantry::wire
