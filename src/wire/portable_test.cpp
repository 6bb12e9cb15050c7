#include "wire/portable.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "wire/json_reader.hpp"

namespace gantry::wire {
namespace {

std::string portable(const std::string& body, AsStream stream = AsStream::no) {
  Splice splice(body);
  make_portable(splice, body.find('{') + 1, stream);
  return splice.joined();
}

TEST(Portable, leaves_a_request_that_any_endpoint_takes_as_it_is) {
  const std::string body = R"({ "model" : "m", "messages":[ {"role":"user","content":"hi"} ],"top_k": 3 })";
  EXPECT_EQ(portable(body), body);
}

TEST(Portable, cuts_what_is_openrouters_wherever_it_stands) {
  struct Row {
    const char* name;
    std::string before, after;
  };
  const std::vector<Row> rows = {
      {"first", R"({"provider":{"zdr":true}, "m":1})", R"({"m":1})"},
      {"in the middle", R"({"m":1, "models":["a/b"], "n":2})", R"({"m":1, "n":2})"},
      {"last", R"({"m":1 , "plugins":[{"id":"web"}] })", R"({"m":1 })"},
      {"two side by side", R"({"m":1,"trace":{},"session_id":"s","n":2})", R"({"m":1,"n":2})"},
      {"two at the end", R"({"m":1,"route":"fallback","debug":{"a":[1,{}]}})", R"({"m":1})"},
      {"two at the beginning", R"({"preset":"p","usage":{"include":true},"m":1})", R"({"m":1})"},
      {"here and there", R"({"transforms":[],"m":1,"trace":null,"n":2,"reasoning":{"effort":"low"}})",
       R"({"m":1,"n":2})"},
      {"with an escape in its name", R"({"m":1,"mode\u006cs":["a/b"]})", R"({"m":1})"},
      {"only at the top", R"({"m":{"provider":1,"models":2}})", R"({"m":{"provider":1,"models":2}})"},
  };
  for (const auto& row : rows) EXPECT_EQ(portable(row.before), row.after) << row.name;
}

TEST(Portable, asks_for_the_usage_of_a_stream) {
  const auto stream = [](const std::string& body) { return portable(body, AsStream::yes); };
  EXPECT_EQ(stream(R"({"m":1})"), R"({"stream_options":{"include_usage":true},"m":1})");
  EXPECT_EQ(stream(R"({"trace":{},"m":1})"), R"({"stream_options":{"include_usage":true},"m":1})");
  EXPECT_EQ(stream(R"({"m":1,"stream_options":{}})"), R"({"m":1,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(stream(R"({"m":1,"stream_options":null})"), R"({"m":1,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(stream(R"({"m":1,"stream_options":{"include_usage":false, "x":1}})"),
            R"({"m":1,"stream_options":{"include_usage":true, "x":1}})");
  EXPECT_EQ(stream(R"({"m":1,"stream_options":{"x":1}})"),
            R"({"m":1,"stream_options":{"include_usage":true,"x":1}})");
}

TEST(Portable, changes_nothing_more_when_it_is_done_again) {
  const std::string body = R"({"plugins":[],"m":1,"models":[],"stream_options":{"x":[]},"trace":{}})";
  const auto once = portable(body, AsStream::yes);
  EXPECT_EQ(portable(once, AsStream::yes), once);
}

}  // namespace
}  // namespace gantry::wire
