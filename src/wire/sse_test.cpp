#include "wire/sse.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <ostream>
#include <string>
#include <vector>

namespace gantry::wire {

// What an event was, free of views.
struct Seen {
  SseEvent::Kind kind = SseEvent::Kind::data;
  std::string data;
  std::string name;
  std::string raw;
  bool operator==(const Seen&) const = default;
};
static std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  return out << "{" << static_cast<int>(seen.kind) << " data '" << seen.data << "' name '" << seen.name
             << "' raw '" << seen.raw << "'}";
}

namespace {

using Kind = SseEvent::Kind;
using testing::ElementsAre;
using testing::IsEmpty;

struct Outcome {
  std::vector<Seen> events;
  std::string unfinished;
  bool mid_event = false;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

Outcome parse_all(const std::vector<std::string>& feeds, SseParser::Limits limits = {}) {
  SseParser parser(limits);
  Outcome out;
  for (const auto& bytes : feeds) {
    const std::vector<char> memory(bytes.begin(), bytes.end());  // gone before the next feed
    parser.feed({memory.data(), memory.size()});
    while (const auto event = parser.next())
      out.events.push_back(
          {event->kind, std::string(event->data), std::string(event->name), std::string(event->raw)});
  }
  out.unfinished = parser.unfinished();
  out.mid_event = parser.mid_event();
  out.failed = parser.failure().has_value();
  return out;
}

std::vector<Seen> events_of(const std::string& stream) { return parse_all({stream}).events; }

const std::vector<std::pair<std::string, std::string>> kStreams = {
    {"as OpenRouter sends it",
     ": OPENROUTER PROCESSING\n\ndata: {\"a\":\"h\xC3\xA9\xF0\x9F\x98\x80\"}\n\ndata: {\"b\":2}\n\ndata: "
     "[DONE]\n\n"},
    {"CRLF", ": OPENROUTER PROCESSING\r\n\r\ndata: one\r\ndata: two\r\n\r\ndata: [DONE]\r\n\r\n"},
    {"bare CR", ": c\r\rdata: one\rdata: two\r\rdata: [DONE]\r\r"},
    {"line ends of all kinds", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\r\n\r: e\n\r\r\n\n"},
    {"a BOM",
     "\xEF\xBB\xBF"
     "data: first\n\n\xEF\xBB\xBF"
     "data: no field\n\n"},
    {"multi-line data", "data: a\ndata\ndata:b\ndata:  c\n\n"},
    {"named events and ids", "event: message_start\nid: 7\nretry: 10\ndata: {}\n\nid: 8\n\nevent: ping\n\n"},
    {"comments around and inside", ":a\n: b\ndata: x\n: inside\ndata: y\n\n:c\n\n:d\n:e\n\ndata: z\n\n"},
    {"an event that never ends", "data: a\n\ndata: b\ndata: c\n"},
    {"a line that never ends", "data: a\n\ndata: b"},
    {"a comment that never ends", "data: a\n\n: keep"},
    {"blank lines only", "\n\n\r\n\r\n\r\r"},
    {"a lone colon and unknown fields", ":\n\nfoo: bar\nbaz\n\n"},
};

TEST(Sse, does_not_depend_on_where_the_input_is_cut) {
  for (const auto& [name, stream] : kStreams) {
    const Outcome whole = parse_all({stream});
    for (std::size_t cut = 0; cut <= stream.size(); ++cut)
      EXPECT_EQ(parse_all({stream.substr(0, cut), stream.substr(cut)}), whole) << name << ", cut at " << cut;
    std::vector<std::string> bytes;
    for (const char c : stream) bytes.emplace_back(1, c);
    EXPECT_EQ(parse_all(bytes), whole) << name << ", byte by byte";
  }
}

TEST(Sse, loses_and_adds_no_byte) {
  for (const auto& [name, stream] : kStreams) {
    const Outcome whole = parse_all({stream});
    std::string again;
    for (const auto& event : whole.events) again += event.raw;
    EXPECT_EQ(again + whole.unfinished, stream) << name;
  }
}

TEST(Sse, is_the_same_for_any_stream_and_any_cuts) {
  EXPECT_TRUE(rc::check("random lines cut at random places", [] {
    const auto tokens = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("data:", "data: x", ":", ": c", "event: e", "\n", "\r", "\r\n", "\n\n",
                                      "\r\n\r\n", "\r\r", " ", "\xEF\xBB\xBF", "é"));
    std::string stream;
    for (const auto& token : tokens) stream += token;
    std::vector<std::string> feeds;
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = *rc::gen::inRange<std::size_t>(1, 6);
      feeds.push_back(stream.substr(at, size));
      at += size;
    }
    const Outcome whole = parse_all({stream});
    RC_ASSERT((parse_all(feeds) == whole));
    std::string again;
    for (const auto& event : whole.events) again += event.raw;
    RC_ASSERT(again + whole.unfinished == stream);
  }));
}

TEST(Sse, joins_data_lines_and_strips_one_space) {
  EXPECT_THAT(events_of("data: a\ndata\ndata:b\ndata:  c\n\n"),
              ElementsAre(Seen{Kind::data, "a\n\nb\n c", "", "data: a\ndata\ndata:b\ndata:  c\n\n"}));
}

TEST(Sse, gives_comments_whole_and_before_what_follows) {
  EXPECT_THAT(events_of(":a\n: b\ndata: x\n\n:c\n\n"),
              ElementsAre(Seen{Kind::comment, "a\nb", "", ":a\n: b\n"},
                          Seen{Kind::data, "x", "", "data: x\n\n"}, Seen{Kind::comment, "c", "", ":c\n\n"}));
}

TEST(Sse, passes_a_comment_inside_an_event_over) {
  EXPECT_THAT(events_of("data: x\n: c\ndata: y\n\n"),
              ElementsAre(Seen{Kind::data, "x\ny", "", "data: x\n: c\ndata: y\n\n"}));
}

TEST(Sse, tells_events_without_data_apart) {
  EXPECT_THAT(events_of("event: ping\nid: 1\n\n\nfoo\n\n"),
              ElementsAre(Seen{Kind::other, "", "ping", "event: ping\nid: 1\n\n"},
                          Seen{Kind::other, "", "", "\n"}, Seen{Kind::other, "", "", "foo\n\n"}));
  EXPECT_THAT(events_of("data:\n\n"), ElementsAre(Seen{Kind::data, "", "", "data:\n\n"}));
}

TEST(Sse, names_an_event) {
  EXPECT_THAT(events_of("event: error\ndata: {}\n\n"),
              ElementsAre(Seen{Kind::data, "{}", "error", "event: error\ndata: {}\n\n"}));
}

TEST(Sse, takes_a_byte_order_mark_only_at_the_very_start) {
  const std::string bom = "\xEF\xBB\xBF";
  EXPECT_THAT(events_of(bom + "data: a\n\n" + bom + "data: b\n\n"),
              ElementsAre(Seen{Kind::data, "a", "", bom + "data: a\n\n"},
                          Seen{Kind::other, "", "", bom + "data: b\n\n"}));
}

TEST(Sse, knows_the_end_marker) {
  const auto is_done = [](std::string_view stream) {
    SseParser parser;
    parser.feed(stream);
    const auto event = parser.next();
    return event && event->done();
  };
  EXPECT_TRUE(is_done("data: [DONE]\n\n"));
  EXPECT_TRUE(is_done("data:[DONE]\r\n\r\n"));
  EXPECT_FALSE(is_done("data: [DONE] \n\n"));
  EXPECT_FALSE(is_done(": [DONE]\n\n"));
  EXPECT_FALSE(is_done("event: [DONE]\n\n"));
}

// What has arrived so far must be enough for these; a relay that waited for more would hold tokens back.
TEST(Sse, gives_an_event_with_the_last_byte_of_its_end) {
  for (const std::string stream :
       {"data: x\n\n", "data: x\r\n\r\n", "data: x\r\r", ": c\n\n", ": c\r\n\r\n", ": c\r\r"}) {
    EXPECT_EQ(events_of(stream).size(), 1U) << testing::PrintToString(stream);
    EXPECT_THAT(events_of(stream.substr(0, stream.size() - 1)), IsEmpty()) << testing::PrintToString(stream);
  }
}

TEST(Sse, copies_nothing_that_lies_in_one_feed) {
  const std::string bytes = "data: one\n\ndata: two\n\n";
  SseParser parser;
  parser.feed(bytes);
  const auto first = parser.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->raw.data(), bytes.data());
  const auto second = parser.next();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->data.data(), bytes.data() + bytes.find("two"));
}

TEST(Sse, takes_more_input_before_the_last_is_drained) {
  SseParser parser;
  parser.feed("data: a\n\ndata: b");
  ASSERT_EQ(parser.next()->data, "a");
  parser.feed("c\n\ndata: d\n\n");
  ASSERT_EQ(parser.next()->data, "bc");
  ASSERT_EQ(parser.next()->data, "d");
  EXPECT_FALSE(parser.next().has_value());
}

TEST(Sse, tells_whether_an_event_is_being_dropped) {
  struct Row {
    std::string stream;
    bool mid_event;
  };
  const std::vector<Row> rows = {
      {"", false},         {"data: a\n\n", false},   {"data: a\n", true},
      {"d", true},         {"data: a\r\n\r", true},  {": keep-ali", false},
      {": keep\n", false}, {"data: a\n\n\r", false}, {"\n", false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(parse_all({row.stream}).mid_event, row.mid_event) << testing::PrintToString(row.stream);
}

TEST(Sse, refuses_an_event_over_the_cap_wherever_it_is_cut) {
  const SseParser::Limits limits{.max_event = 20};
  const std::string fits = "data: 0123456789ab\n\n";  // 20 bytes
  const std::string too_large = "data: 0123456789abc\n\n";
  ASSERT_EQ(fits.size(), 20U);
  const std::string stream = fits + too_large + fits;
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    const Outcome out = parse_all({stream.substr(0, cut), stream.substr(cut)}, limits);
    EXPECT_EQ(out.events.size(), 1U) << "cut at " << cut;
    EXPECT_TRUE(out.failed) << "cut at " << cut;
  }
  EXPECT_FALSE(parse_all({fits + fits}, limits).failed);
  EXPECT_TRUE(parse_all({std::string(21, 'x')}, limits).failed) << "an event that has not even ended";
}

TEST(Sse, stays_linear_on_a_large_event_in_small_pieces) {
  // Quadratic rescanning would read 8 GB here and run into the test's time limit.
  SseParser parser;
  const std::string piece(32, 'x');
  parser.feed("data: ");
  EXPECT_FALSE(parser.next().has_value());
  for (int i = 0; i < 100'000; ++i) {
    parser.feed(piece);
    ASSERT_FALSE(parser.next().has_value());
  }
  parser.feed("\n\n");
  EXPECT_EQ(parser.next()->data.size(), 3'200'000U);
}

}  // namespace
}  // namespace gantry::wire
