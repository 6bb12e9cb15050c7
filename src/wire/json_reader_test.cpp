#include "wire/json_reader.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "wire/json_index.hpp"

namespace gantry::wire {
namespace {

using testing::ElementsAre;

// A copy that ends exactly at its allocation, so that the address sanitizer sees a read past the end.
struct Exact {
  std::vector<char> memory;
  explicit Exact(std::string_view text) : memory(text.begin(), text.end()) { memory.shrink_to_fit(); }
  [[nodiscard]] std::string_view text() const { return {memory.data(), memory.size()}; }
};

TEST(JsonReader, gives_members_in_order_and_passes_over_what_is_left_alone) {
  const Exact document(R"( {"a":{"x":[1,{"y":2}]}, "b":[ ], "c" :"s","d":{},"e":-1.5 } )");
  JsonReader in(document.text());
  std::vector<std::string> seen;
  in.each_member(in.root(), [&](std::string_view key, JsonToken value) {
    seen.push_back(std::string(key) + std::string(value.raw()));
  });
  EXPECT_FALSE(in.finish().has_value());
  EXPECT_THAT(seen, ElementsAre("a{", "b[", "c\"s\"", "d{", "e-1.5"));
}

TEST(JsonReader, walks_into_what_it_is_asked_to) {
  const Exact document(R"({"a":[{"x":1},2,[3]],"b":4})");
  JsonReader in(document.text());
  std::vector<std::string> seen;
  in.each_member(in.root(), [&](std::string_view, JsonToken value) {
    in.each_element(value, [&](JsonToken element) { seen.emplace_back(in.whole(element)); });
  });
  EXPECT_FALSE(in.finish().has_value());
  EXPECT_THAT(seen, ElementsAre(R"({"x":1})", "2", "[3]"));
}

TEST(JsonReader, checks_also_what_nobody_looks_at) {
  for (const std::string text : {R"({"a":{"b":[1,2}})", R"({"a":["\x"]})", R"({"a":[tru]})", "[[[]]", "{} {}",
                                 "[\"\xFF\"]", R"({"a":[01]})", "[\"a\nb\"]"}) {
    const Exact document(text);
    JsonReader untouched(document.text());
    untouched.root();
    EXPECT_TRUE(untouched.finish().has_value()) << text;
    JsonReader walked(document.text());
    const JsonToken root = walked.root();
    walked.each_member(root, [](std::string_view, JsonToken) {});
    walked.each_element(root, [](JsonToken) {});
    EXPECT_TRUE(walked.finish().has_value()) << text;
  }
}

TEST(JsonReader, calls_no_visitor_behind_an_error) {
  JsonReader in(R"({"a":1,"b":x,"c":3})");
  std::vector<std::string> seen;
  in.each_member(in.root(), [&](std::string_view key, JsonToken) { seen.emplace_back(key); });
  const auto error = in.finish();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->what, "expected a value");
  EXPECT_EQ(error->at, 11U);
  EXPECT_THAT(seen, ElementsAre("a"));
}

TEST(JsonReader, decodes_keys_that_are_written_with_escapes) {
  JsonReader in(R"({"\u0061b":{"\"":1},"c":2})");
  std::vector<std::string> seen;
  in.each_member(in.root(), [&](std::string_view key, JsonToken value) {
    seen.emplace_back(key);
    in.each_member(value, [&](std::string_view inner, JsonToken) { seen.emplace_back(inner); });
  });
  EXPECT_FALSE(in.finish().has_value());
  EXPECT_THAT(seen, ElementsAre("ab", "\"", "c"));
}

TEST(JsonReader, knows_what_is_empty) {
  JsonReader in(R"([{},{ },[],[ ],"",5,null,{"a":1},[0]," "])");
  std::vector<bool> empty;
  in.each_element(in.root(), [&](JsonToken value) { empty.push_back(in.is_empty(value)); });
  EXPECT_FALSE(in.finish().has_value());
  EXPECT_THAT(empty, ElementsAre(true, true, true, true, true, true, true, false, false, false));
}

struct Odd {
  std::string name;
  std::string bytes;
  bool legal;
};

// Strings are read in blocks: what is odd must be seen at every place of every block, near the end and far.
TEST(JsonReader, sees_what_is_odd_in_a_string_wherever_it_stands) {
  const std::vector<Odd> rows = {
      {"an escaped quote", R"(\")", true},
      {"two escapes side by side", R"(\\\n)", true},
      {"a unicode escape", R"(\u00e9)", true},
      {"text that is not ASCII", "é", true},
      {"DEL, which is no control character of JSON", "\x7F", true},
      {"an unknown escape", R"(\x)", false},
      {"a control character", "\x1F", false},
      {"a zero", std::string(1, '\0'), false},
      {"an escaped control character", "\\\n", false},
      {"a byte that is not UTF-8", "\xFF", false},
      {"a quote", "\"", false},
  };
  for (const auto& row : rows) {
    for (std::size_t before = 0; before < 40; ++before) {
      for (const std::size_t after : {0U, 1U, 14U, 15U, 16U, 40U}) {
        const std::string inside = std::string(before, 'a') + row.bytes + std::string(after, 'z');
        for (const std::string& text : {"\"" + inside + "\"", "[\"" + inside + "\",1.25,null,\"padding\"]"}) {
          const Exact document(text);
          JsonReader in(document.text());
          in.root();
          ASSERT_EQ(!in.finish().has_value(), row.legal) << row.name << " behind " << before << ": " << text;
        }
      }
    }
  }
}

TEST(JsonReader, measures_a_string_the_same_whatever_follows_it) {
  EXPECT_TRUE(rc::check("code points and blankness do not depend on the neighbours", [] {
    std::string inside;
    std::size_t code_points = 0;
    for (int i = *rc::gen::inRange(0, 60); i > 0; --i, ++code_points)
      inside +=
          *rc::gen::element<std::string>("a", " ", "é", "漢", "😀", R"(\n)", R"(\u00e9)", R"(\ud83d\ude00)");
    const std::string behind =
        *rc::gen::element<std::string>("", ",\"é\"", ",\"\\n\"", ",\"plain text of some length\"");
    const Exact document("[\"" + inside + "\"" + behind + "]");
    JsonReader in(document.text());
    std::optional<TextSize> size;
    in.each_element(in.root(), [&](JsonToken value) {
      if (!size) size = value.text_size();
    });
    RC_ASSERT(!in.finish().has_value());
    RC_ASSERT(size->code_points == code_points);
    RC_ASSERT(size->blank == (inside.find_first_not_of(" n\\") == std::string::npos));
  }));
}

TEST(JsonReader, agrees_with_the_index_on_any_bytes) {
  EXPECT_TRUE(rc::check("skipping checks as much as listing", [] {
    std::string text;
    for (int i = *rc::gen::inRange(0, 24); i > 0; --i)
      text += *rc::gen::element<std::string>("{", "}", "[", "]", ",", ":", "\"a\"", "1", "null", " ",
                                             "\"\\n\"", "-");
    JsonReader in(text);
    in.root();
    JsonIndex index;
    RC_ASSERT(in.finish().has_value() == index.parse(text).has_value());
  }));
}

}  // namespace
}  // namespace gantry::wire
