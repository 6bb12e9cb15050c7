#include "observe/line.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "observe/escape.hpp"

namespace gantry::observe {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr WallTime kAt{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 10h + 123ms};

std::string line(LogFormat format, std::string_view event, std::initializer_list<Field> fields,
                 WallTime at = kAt) {
  std::string out;
  append_line(out, format, at, Level::info, event, std::span(fields.begin(), fields.size()));
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

TEST(LogLine, text_has_time_level_event_and_pairs) {
  EXPECT_EQ(
      line(LogFormat::text, "call",
           {{"id", "c1"}, {"status", std::int64_t{200}}, {"ms", 12.3}, {"stream", true}, {"route", ""}}),
      R"(2026-11-23T10:00:00.123Z info call id=c1 status=200 ms=12.3 stream=true route="")");
}

TEST(LogLine, json_is_one_object_with_typed_values) {
  EXPECT_EQ(
      line(LogFormat::json, "call",
           {{"id", "c1"}, {"status", std::int64_t{-1}}, {"ms", 12.0}, {"stream", false}, {"odd", 0.0 / 0.0}}),
      R"({"time":"2026-11-23T10:00:00.123Z","level":"info","event":"call",)"
      R"("id":"c1","status":-1,"ms":12,"stream":false,"odd":null})");
}

TEST(LogLine, time_is_cut_to_the_millisecond_and_follows_the_calendar) {
  struct Row {
    std::string_view name;
    WallTime at;
    std::string_view expected;
  };
  using std::chrono::sys_days, std::chrono::year;
  const Row rows[] = {
      {"the epoch", WallTime{}, "1970-01-01T00:00:00.000Z"},
      {"the last nanosecond of a day", sys_days{year{2024} / 2 / 29} + 24h - 1ns, "2024-02-29T23:59:59.999Z"},
      {"the next day in the same thread", sys_days{year{2024} / 3 / 1} + 0ns, "2024-03-01T00:00:00.000Z"},
      {"before the epoch", WallTime{-1ns}, "1969-12-31T23:59:59.999Z"},
  };
  for (const auto& row : rows) {
    std::string out;
    append_timestamp(out, row.at);
    EXPECT_EQ(out, row.expected) << row.name;
  }
}

TEST(LogLine, escaping_table) {
  struct Row {
    std::string_view name, value, text, json;
  };
  const Row rows[] = {
      {"a plain word stands bare", "openai/gpt-4o:free", "openai/gpt-4o:free", R"("openai/gpt-4o:free")"},
      {"nothing is quoted", "", R"("")", R"("")"},
      {"a space needs quotes", "a b", R"("a b")", R"("a b")"},
      {"an equals sign would make a second pair", "a=b", R"("a=b")", R"("a=b")"},
      {"quotes are escaped", R"(say "hi")", R"("say \"hi\"")", R"("say \"hi\"")"},
      {"an apostrophe is quoted for shells and logfmt", "it's", R"("it's")", R"("it's")"},
      {"a backslash is escaped", R"(a\b)", R"("a\\b")", R"("a\\b")"},
      {"a line feed cannot begin a line", "a\n2026 info fake", R"("a\n2026 info fake")",
       R"("a\n2026 info fake")"},
      {"nor can CR or tab", "a\r\tb", R"("a\r\tb")", R"("a\r\tb")"},
      {"terminal escapes are inert", "\x1b[31m", R"("\u001b[31m")", R"("\u001b[31m")"},
      {"NUL", std::string_view("a\0b", 3), R"("a\u0000b")", R"("a\u0000b")"},
      {"DEL", "a\x7f", R"("a\u007f")", R"("a\u007f")"},
      {"letters of the world stay", "größe 日本 🚀", R"("größe 日本 🚀")", R"("größe 日本 🚀")"},
      {"C1 NEL ends lines for some readers",
       "a\xc2\x85"
       "b",
       R"("a\u0085b")", R"("a\u0085b")"},
      {"so does U+2028",
       "a\xe2\x80\xa8"
       "b",
       R"("a\u2028b")", R"("a\u2028b")"},
      {"a stray continuation byte",
       "a\x80"
       "b",
       "\"a\xef\xbf\xbd"
       "b\"",
       "\"a\xef\xbf\xbd"
       "b\""},
      {"a cut character", "a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\"", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
      {"an overlong slash", "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
  };
  const std::string text_head = "2026-11-23T10:00:00.123Z info e k=";
  const std::string json_head = R"({"time":"2026-11-23T10:00:00.123Z","level":"info","event":"e","k":)";
  for (const auto& row : rows) {
    EXPECT_EQ(line(LogFormat::text, "e", {{"k", row.value}}), text_head + std::string(row.text)) << row.name;
    EXPECT_EQ(line(LogFormat::json, "e", {{"k", row.value}}), json_head + std::string(row.json) + "}")
        << row.name;
  }
}

TEST(LogLine, a_bad_key_or_event_cannot_break_the_line) {
  EXPECT_EQ(line(LogFormat::text, "a b", {{"k\n=", true}}),
            R"(2026-11-23T10:00:00.123Z info "a b" k__=true)");
}

TEST(LogLine, long_values_are_cut_at_a_character) {
  const std::string ascii(kLongestValue + 1, 'x');
  EXPECT_EQ(escaped(ascii), std::string(kLongestValue, 'x') + "…");
  std::string wide(kLongestValue - 1, 'x');
  wide += "€ and more";
  EXPECT_EQ(escaped(wide), std::string(kLongestValue - 1, 'x') + "…");
  EXPECT_THAT(line(LogFormat::text, "e", {{"k", ascii}}), HasSubstr("xxx…\""));
}

TEST(LogLine, keys_are_masked_and_words_are_not) {
  struct Row {
    std::string_view name, given, expected;
  };
  const Row rows[] = {
      {"an upstream key", "sk-or-v1-0123456789abcdef", "sk-***"},
      {"a client key", "gk-live_0123456789", "gk-***"},
      {"inside a sentence", "key sk-or-v1-0123456789abcdef, is bad", "key sk-***, is bad"},
      {"upper case", "SK-OR-V1-0123456789ABCDEF", "SK-***"},
      {"in a query", "?key=gk-0123456789&x=1", "?key=gk-***&x=1"},
      {"glued to a word", "keysk-or-v1-0123456789abcdef", "keysk-***"},
      {"two keys", "sk-aaaaaaaaaa gk-bbbbbbbbbb", "sk-*** gk-***"},
      {"a bearer token of any shape", "Authorization: Bearer !weird#token rest",
       "Authorization: Bearer *** rest"},
      {"bearer in a JSON string", R"({"a":"bearer   abc"})", R"({"a":"bearer   ***"})"},
      {"a word with sk- inside", "task-force-of-seven", "task-force-of-seven"},
      {"a model with sk- inside", "vendor/flask-large-instruct-2409", "vendor/flask-large-instruct-2409"},
      {"a short word after sk-", "sk-learn", "sk-learn"},
      {"nothing after Bearer", "Bearer", "Bearer"},
  };
  for (const auto& row : rows) {
    std::string masked;
    const bool found = mask_keys(row.given, masked);
    EXPECT_EQ(found ? masked : row.given, row.expected) << row.name;
  }
}

TEST(LogLine, most_names_are_clean) {
  struct Row {
    std::string_view name, value;
    bool clean;
  };
  const Row rows[] = {
      {"nothing has to be quoted", "", false},
      {"a word", "chat", true},
      {"a model", "anthropic/claude-3.5-sonnet:free", true},
      {"a generation", "gen-1764000000-0123456789ABCDEFGHIJ", true},
      {"a letter that is not ASCII",
       "gr\xc3\xb6\xc3\x9f"
       "e",
       false},
      {"what may begin a key", "deepseek/deepseek-chat", false},
      {"a key across blocks", "0123456789abcdesk-0123456789", false},
      {"what may be a bearer token", "0123456789abcdbearer", false},
  };
  for (const auto& row : rows) EXPECT_EQ(is_clean(row.value), row.clean) << row.name;
  for (std::size_t size = 1; size < 70; ++size)
    for (std::size_t at = 0; at < size; ++at) {
      std::string value(size, 'x');
      EXPECT_TRUE(is_clean(value));
      value[at] = ' ';
      EXPECT_FALSE(is_clean(value)) << "an odd character at " << at << " of " << size;
    }
  EXPECT_TRUE(is_clean(std::string(kLongestValue, 'x')));
  EXPECT_FALSE(is_clean(std::string(kLongestValue + 1, 'x'))) << "it will be cut";
}

RC_GTEST_PROP(LogLineProperty, what_is_clean_is_bare_and_not_masked, ()) {
  const auto letter = rc::gen::elementOf(std::string("sSkKgG-bBeEaArR=\\\"' ~{\x7f\x80xyz019/"));
  const std::string value = *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(0, 80), letter);
  std::string masked;
  if (is_clean(value)) RC_ASSERT(is_bare(value) && !mask_keys(value, masked));
}

RC_GTEST_PROP(LogLineProperty, a_key_inside_any_field_never_appears, ()) {
  const auto letter = rc::gen::elementOf(std::string("ABCXYZabcxyz0189_-"));
  const auto length = *rc::gen::inRange<std::size_t>(8, 80);
  const std::string secret = *rc::gen::container<std::string>(length, letter);
  const std::string prefix = *rc::gen::element<std::string>("sk-or-v1-", "sk-", "gk-", "Bearer ", "BEARER\t");
  const auto before = *rc::gen::string<std::string>();
  const auto after = *rc::gen::string<std::string>();
  const auto separator = *rc::gen::element<std::string>(" ", "\"", ":", "=", "\n", "/");
  const std::string value = before + separator + prefix + secret + separator + after;
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const std::string out = line(format, value, {{"a", value}, {"b", prefix + secret}});
    RC_ASSERT(out.find(secret) == std::string::npos);
  }
}

RC_GTEST_PROP(LogLineProperty, any_bytes_give_one_line_of_clean_text, ()) {
  const auto bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const std::string out = line(format, bytes, {{"k", bytes}});
    for (const char c : out) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

}  // namespace
}  // namespace gantry::observe
