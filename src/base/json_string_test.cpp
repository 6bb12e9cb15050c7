#include "base/json_string.hpp"

#include <gtest/gtest.h>

namespace gantry {
namespace {

std::string escaped(std::string_view text, Escapes which) {
  std::string out = "<";
  append_escaped(out, text, which);
  return out + ">";
}

TEST(JsonString, escapes_what_its_reader_needs) {
  const struct {
    const char* name;
    std::string_view text, json, line;
  } rows[] = {
      {"nothing", "", "", ""},
      {"plain text", "a b/c'd", "a b/c'd", "a b/c'd"},
      {"quotes and backslashes", R"("a\b")", R"(\"a\\b\")", R"(\"a\\b\")"},
      {"line ends and tabs", "a\r\n\tb", R"(a\r\n\tb)", R"(a\r\n\tb)"},
      {"other controls", std::string_view("\0\x1b[m\b", 5), R"(\u0000\u001b[m\u0008)",
       R"(\u0000\u001b[m\u0008)"},
      {"DEL", "\x7f", "\x7f", R"(\u007f)"},
      {"letters of the world", "größe 日本 🚀", "größe 日本 🚀", "größe 日本 🚀"},
      {"C1", "\xc2\x85", "\xc2\x85", R"(\u0085)"},
      {"the first behind C1", "\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},
      {"line separators", "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa",
       "\\u2028\\u2029\xe2\x80\xaa"},
      {"a stray byte between letters", "a\x80z", "a\xef\xbf\xbdz", "a\xef\xbf\xbdz"},
      {"a cut character", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd", "a\xef\xbf\xbd\xef\xbf\xbd"},
      {"an overlong slash", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"a surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"beyond Unicode", "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(escaped(row.text, Escapes::json), "<" + std::string(row.json) + ">") << row.name;
    EXPECT_EQ(escaped(row.text, Escapes::line), "<" + std::string(row.line) + ">") << row.name;
  }
}

TEST(JsonString, escapes_wherever_a_character_stands) {
  for (std::size_t length = 0; length <= 40; ++length)
    for (std::size_t at = 0; at <= length; ++at) {
      const std::string before(at, 'a'), after(length - at, 'z');
      EXPECT_EQ(escaped(before + "\n" + after, Escapes::json), "<" + before + "\\n" + after + ">") << at;
      EXPECT_EQ(escaped(before + "\x7f" + after, Escapes::line), "<" + before + "\\u007f" + after + ">")
          << at;
      EXPECT_EQ(escaped(before + "é\xff" + after, Escapes::line),
                "<" + before + "é\xef\xbf\xbd" + after + ">")
          << at;
    }
}

TEST(JsonString, has_quotes) {
  std::string out = "x:";
  append_quoted(out, "a\"b");
  EXPECT_EQ(out, R"(x:"a\"b")");
}

}  // namespace
}  // namespace gantry
