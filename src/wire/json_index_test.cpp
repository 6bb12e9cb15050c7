#include "wire/json_index.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <string>
#include <utility>
#include <vector>

#include "wire/request.hpp"

namespace gantry::wire {
namespace {

// Parses a copy that ends exactly at its allocation, so that the address sanitizer sees a read past the end.
std::optional<JsonError> parse(JsonIndex& index, std::vector<char>& memory, std::string_view text) {
  memory.assign(text.begin(), text.end());
  memory.shrink_to_fit();
  return index.parse({memory.data(), memory.size()});
}

bool is_json(std::string_view text) {
  JsonIndex index;
  std::vector<char> memory;
  return !parse(index, memory, text);
}

TEST(JsonIndex, accepts_what_rfc_8259_allows) {
  const std::vector<std::string> rows = {
      "{}",
      "[]",
      " {} \r\n\t",
      "null",
      "true",
      "false",
      "\"\"",
      "0",
      "-0",
      "-1.5e+10",
      "1E400",
      "123456789012345678901234567890",
      R"({"a":{"b":[1,"2",true,null,{"c":[]}]}})",
      R"("\"\\\/\b\f\n\r\tA")",
      R"("\ud83d\ude00")",
      R"("cut in an emoji \ud83d")",
      "\"caf\xC3\xA9 \xF0\x9F\x98\x80\"",
      "[ 1 , 2 ]",
      R"({"":""})",
      R"({"a":1,"a":2})",
  };
  for (const auto& text : rows) EXPECT_TRUE(is_json(text)) << text;
}

TEST(JsonIndex, refuses_broken_documents_wherever_they_break) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"nothing", ""},
      {"white space only", " \n "},
      {"an open object", "{"},
      {"an open list in an object", R"({"a":[1,2)"},
      {"a list closed as an object", R"({"a":[1,2}})"},
      {"an object closed as a list", R"([{"a":1]])"},
      {"a trailing comma in an object", R"({"a":1,})"},
      {"a trailing comma in a list", "[1,]"},
      {"a leading comma", "[,1]"},
      {"two commas", "[1,,2]"},
      {"no comma", "[1 2]"},
      {"no colon", R"({"a" 1})"},
      {"two colons", R"({"a"::1})"},
      {"a key without quotes", "{a:1}"},
      {"a key in single quotes", "{'a':1}"},
      {"a number as a key", "{1:1}"},
      {"no value", R"({"a":})"},
      {"two documents", "{}{}"},
      {"a word behind the document", "{} x"},
      {"a closing bracket too many", "{}}"},
      {"only a closing bracket", "]"},
      {"a word cut short", R"({"a":tru})"},
      {"a word too long", R"({"a":truee})"},
      {"a capital word", R"({"a":True})"},
      {"NaN", R"({"a":NaN})"},
      {"a leading zero", "[01]"},
      {"a lone minus", "[-]"},
      {"a plus sign", "[+1]"},
      {"no digit before the point", "[.5]"},
      {"no digit behind the point", "[5.]"},
      {"no digit in the exponent", "[1e]"},
      {"a hexadecimal number", "[0x1]"},
      {"a string glued to a number", R"([1"a"])"},
      {"a number glued to a string", R"(["a"1])"},
      {"two strings side by side", R"(["a""b"])"},
      {"an open string", R"({"a":"b)"},
      {"a quote that is escaped at the end", R"(["a\"])"},
      {"an unknown escape", R"(["\x41"])"},
      {"a short unicode escape", R"(["\u12"])"},
      {"a unicode escape with a wrong digit", R"(["\u12g4"])"},
      {"an unknown escape in a key", R"({"\q":1})"},
      {"a raw line feed in a string", "[\"a\nb\"]"},
      {"a raw zero byte in a string", std::string("[\"a\0b\"]", 7)},
      {"a zero byte behind the document", std::string("{}\0", 3)},
      {"bytes that are not UTF-8", "[\"\xFF\"]"},
      {"an overlong UTF-8 form", "[\"\xC0\xAF\"]"},
      {"a UTF-8 surrogate", "[\"\xED\xA0\x80\"]"},
      {"a UTF-8 sequence cut short", "[\"\xE2\x82\"]"},
      {"a byte order mark", "\xEF\xBB\xBF{}"},
      {"a comment", "{} // x"},
      {"HTML", "<html><body>502</body></html>"},
  };
  for (const auto& [name, text] : rows) EXPECT_FALSE(is_json(text)) << name << ": " << text;
}

TEST(JsonIndex, says_where_it_broke) {
  JsonIndex index;
  const auto error = index.parse(R"({"a": 1 "b": 2})");
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->what, "expected ',' or '}'");
  EXPECT_EQ(error->at, 8U);
}

TEST(JsonIndex, bounds_the_nesting) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(is_json(nested(JsonIndex::kMaxDepth)));
  EXPECT_FALSE(is_json(nested(JsonIndex::kMaxDepth + 1)));
  EXPECT_FALSE(is_json(nested(1'000'000)));
}

TEST(JsonIndex, refuses_every_document_cut_short) {
  const std::string text = R"({"a":["xy\"",-1.5e3,true,null,{"b":{}}],"c":"d"})";
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(is_json(text.substr(0, size))) << size;
}

TEST(JsonIndex, gives_exact_ranges) {
  const std::string text = R"(  {"a" : "b c" , "n":  -12.50  ,"l":[ 1 ]})";
  JsonIndex index;
  ASSERT_FALSE(index.parse(text));
  const auto range_text = [&](std::string_view name) {
    const ByteRange range = index.root().find(name)->range();
    return text.substr(range.begin, range.end - range.begin);
  };
  EXPECT_EQ(range_text("a"), "\"b c\"");
  EXPECT_EQ(range_text("n"), "-12.50");
  EXPECT_EQ(range_text("l"), "[ 1 ]");
  EXPECT_EQ(index.root().range(), (ByteRange{2, text.size()}));
}

TEST(JsonIndex, walks_only_the_children) {
  JsonIndex index;
  ASSERT_FALSE(index.parse(R"([1,[2,{"x":3}],{"y":[4]},5])"));
  std::vector<std::string> seen;
  index.root().each_element([&](JsonValue element) { seen.emplace_back(element.raw()); });
  EXPECT_THAT(seen, testing::ElementsAre("1", R"([2,{"x":3}])", R"({"y":[4]})", "5"));
}

TEST(JsonIndex, may_be_used_again_and_after_giving_its_memory_back) {
  JsonIndex index;
  const std::string large = "[" + std::string(100'000, ' ') + "1]";
  ASSERT_FALSE(index.parse(large));
  index.release_if_large(4096);
  ASSERT_FALSE(index.parse("[2]"));
  EXPECT_EQ(index.root().raw(), "[2]");
  ASSERT_TRUE(index.parse("[").has_value());
  ASSERT_FALSE(index.parse(large));
}

TEST(JsonValue, finds_members_by_their_decoded_name_and_passes_nulls_over) {
  JsonIndex index;
  ASSERT_FALSE(index.parse(R"({"a":null,"a":1,"mod\u0065l":"x","é":2})"));
  EXPECT_EQ(index.root().find("a")->raw(), "1");
  EXPECT_EQ(index.root().find("model")->raw(), "\"x\"");
  EXPECT_EQ(index.root().find("é")->raw(), "2");
  EXPECT_FALSE(index.root().find("b").has_value());
}

TEST(JsonValue, reads_whole_numbers_in_every_notation) {
  struct Row {
    std::string text;
    std::optional<std::int64_t> number;
  };
  const std::vector<Row> rows = {
      {"100", 100},
      {"-7", -7},
      {"100.0", 100},
      {"1e2", 100},
      {"0.1e1", 1},
      {"1.5", {}},
      {"1e300", {}},
      {"\"1\"", {}},
      {"true", {}},
      {"null", {}},
      {"9223372036854775807", 9223372036854775807},
      {"9223372036854775808", {}},
      {"1e400", {}},
  };
  for (const auto& row : rows) {
    JsonIndex index;
    ASSERT_FALSE(index.parse(row.text)) << row.text;
    EXPECT_EQ(index.root().integer(), row.number) << row.text;
  }
}

TEST(JsonText, decodes_what_was_quoted) {
  EXPECT_TRUE(rc::check("quoting any UTF-8 text and decoding it gives the text back", [] {
    std::string text;
    for (const auto c : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 0x80)))
      text += static_cast<char>(c);
    text += *rc::gen::element<std::string>("", "é", "漢字", "😀", "\xE2\x80\xA8");
    const std::string quoted = json_quote(text);
    JsonIndex index;
    RC_ASSERT(!index.parse(quoted));
    RC_ASSERT(index.root().string() == text);
  }));
}

TEST(JsonText, quotes_bytes_that_are_not_utf_8_into_valid_json) {
  EXPECT_TRUE(rc::check("any bytes become a JSON string", [](const std::string& bytes) {
    JsonIndex index;
    const std::string quoted = json_quote(bytes);
    RC_ASSERT(!index.parse(quoted));
  }));
  EXPECT_EQ(json_quote("a\xFF"
                       "b"),
            "\"a\xEF\xBF\xBD"
            "b\"");
}

TEST(JsonText, decodes_every_escape) {
  JsonIndex index;
  ASSERT_FALSE(index.parse(R"("\"\\\/\b\f\n\r\tA\u00e9\u20AC\ud83d\ude00\ud83dx\ude00")"));
  EXPECT_EQ(index.root().string(), "\"\\/\b\f\n\r\tAé€😀\xEF\xBF\xBDx\xEF\xBF\xBD");
}

TEST(JsonText, measures_code_points_the_same_escaped_and_plain) {
  struct Row {
    std::string text;
    std::size_t code_points;
    bool blank;
  };
  const std::vector<Row> rows = {
      {R"("")", 0, true},
      {R"("abc")", 3, false},
      {R"("é漢😀")", 3, false},
      {R"("\u00e9\ud83d\ude00")", 2, false},
      {R"(" \n\t\u00a0\u3000 ")", 6, true},
      {"\"\xC2\xA0\xE2\x80\x83\"", 2, true},
      {R"("\ud83d")", 1, false},
      {R"(" \u200b ")", 3, false},
      {R"("\\n")", 2, false},
  };
  for (const auto& row : rows) {
    JsonIndex index;
    ASSERT_FALSE(index.parse(row.text)) << row.text;
    EXPECT_EQ(index.root().text_size().code_points, row.code_points) << row.text;
    EXPECT_EQ(index.root().text_size().blank, row.blank) << row.text;
  }
}

}  // namespace
}  // namespace gantry::wire
