#include "net/http_parser.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "net/head_text.hpp"

namespace gantry::net {
namespace {

using std::string_literals::operator""s;

// Everything a parse says, in words, so that two parses can be compared.
template <class Parser>
std::string outcome(const Parser& parser, HeadState state) {
  if (state == HeadState::need_more) return "need more";
  if (state == HeadState::failed) {
    return "refused " + std::to_string(parser.error().status) + " " + std::string(parser.error().reason);
  }
  std::string text;
  if constexpr (std::is_same_v<Parser, RequestParser>) {
    const RequestHead& head = parser.head();
    text = std::string(head.method) + "|" + std::string(head.path) + "|" + std::string(head.query) + "|";
  } else {
    text = std::to_string(parser.status()) + "|";
  }
  const Framing& framing = parser.framing();
  text += std::to_string(static_cast<int>(framing.body)) + "|" + std::to_string(framing.length) + "|" +
          (framing.http11 ? "1.1" : "1.0") + "|" + (framing.keep_alive ? "keep" : "close");
  const HeaderView* headers;
  if constexpr (std::is_same_v<Parser, RequestParser>) {
    headers = &parser.head().headers;
  } else {
    headers = &parser.headers();
  }
  for (const Header& header : *headers)
    text += "\n" + std::string(header.name) + "=" + std::string(header.value);
  return text + "\nends at " + std::to_string(parser.head_bytes());
}

std::string request(const std::vector<std::string>& growing, HeadLimits limits = {}) {
  RequestParser parser(limits);
  HeadState state = HeadState::need_more;
  for (const std::string& bytes : growing) {
    state = parser.parse(bytes);
    if (state != HeadState::need_more) return outcome(parser, state);
  }
  return outcome(parser, state);
}

std::string response(const std::string& bytes, ResponseParser::To to = ResponseParser::To::other_request) {
  ResponseParser parser;
  const HeadState state = parser.parse(bytes, to);
  return outcome(parser, state);
}

const std::string kPost =
    "POST /v1/chat/completions?a=b&c HTTP/1.1\r\nHost: example.org:8700\r\nContent-Length: 12\r\n"
    "X-Empty:\r\nX-Odd: \t two words \t\r\nConnection: x, Close\r\n\r\n";

TEST(RequestParser, gives_the_parts_of_a_head) {
  EXPECT_EQ(
      request({kPost + "body"}),
      "POST|/v1/chat/completions|a=b&c|1|12|1.1|close\nHost=example.org:8700\nContent-Length=12\nX-Empty=\n"
      "X-Odd=two words\nConnection=x, Close\nends at " +
          std::to_string(kPost.size()));
}

TEST(RequestParser, result_does_not_depend_on_how_the_bytes_arrive) {
  const std::vector<std::string> heads = {
      kPost,
      "\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "GET http://h/x?y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\nHost: h\r\n\r\n",
      "GET / HTTP/3.0\r\n\r\n"};
  for (const std::string& head : heads) {
    const std::string whole = request({head});
    for (std::size_t cut = 0; cut <= head.size(); ++cut) {
      EXPECT_EQ(request({head.substr(0, cut), head}), whole) << head << "cut at " << cut;
    }
    std::vector<std::string> bytewise;
    for (std::size_t n = 1; n <= head.size(); ++n) bytewise.push_back(head.substr(0, n));
    EXPECT_EQ(request(bytewise), whole) << head;
  }
}

TEST(RequestParser, serves_one_message_after_the_other_without_a_trace_of_the_last) {
  RequestParser parser;
  ASSERT_EQ(parser.parse("POST /a?q HTTP/1.0\r\nContent-Length: 3\r\nExpect: x\r\n\r\n"), HeadState::done);
  parser.reset();
  ASSERT_EQ(parser.parse("GET /b HTTP/1.1\r\nHost: h\r\n\r\n"), HeadState::done);
  EXPECT_EQ(outcome(parser, HeadState::done), "GET|/b||0|0|1.1|keep\nHost=h\nends at 28");
  EXPECT_FALSE(parser.expect());
  EXPECT_FALSE(parser.head().has_body);
}

struct Refused {
  const char* what;
  std::string head;
  const char* answer;
};

// `head` is what stands before the empty line.
const std::vector<Refused> kRefused = {
    {"Content-Length and Transfer-Encoding",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", "400"},
    {"Transfer-Encoding and Content-Length",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", "400"},
    {"two equal Content-Lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3",
     "400"},
    {"two different Content-Lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4",
     "400"},
    {"a list as Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3", "400"},
    {"a signed Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3", "400"},
    {"a negative Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3", "400"},
    {"a hexadecimal Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3", "400"},
    {"an empty Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:", "400"},
    {"a Content-Length beyond 64 bits", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616",
     "400"},
    {"Transfer-Encoding identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity", "400"},
    {"Transfer-Encoding with two codings", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked",
     "400"},
    {"Transfer-Encoding twice",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "400"},
    {"Transfer-Encoding with a parameter", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;a=b",
     "400"},
    {"Transfer-Encoding with a vertical tab", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \vchunked",
     "400"},
    {"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked", "400"},
    {"a bare LF after the request line", "GET / HTTP/1.1\nHost: h", "400"},
    {"a bare LF after a field", "GET / HTTP/1.1\r\nHost: h\nX: y", "400"},
    {"a bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb", "400"},
    {"a bare CR in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\r: a", "400"},
    {"a folded line", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b", "400"},
    {"a folded line with a tab", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb", "400"},
    {"white space before the first field", "GET / HTTP/1.1\r\n Host: h", "400"},
    {"white space before the colon", "GET / HTTP/1.1\r\nHost : h", "400"},
    {"a tab before the colon", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length\t: 3", "400"},
    {"a field without a colon", "GET / HTTP/1.1\r\nHost: h\r\nnonsense", "400"},
    {"an empty field name", "GET / HTTP/1.1\r\nHost: h\r\n: x", "400"},
    {"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b"s, "400"},
    {"NUL in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\0: b"s, "400"},
    {"a control byte in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x01", "400"},
    {"DEL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f", "400"},
    {"a letter beyond ASCII in a name", "GET / HTTP/1.1\r\nHost: h\r\n\xc3\xa4: b", "400"},
    {"no Host", "GET / HTTP/1.1\r\nX: y", "400"},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h", "400"},
    {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nHost: i", "400"},
    {"a list as Host", "GET / HTTP/1.1\r\nHost: a, b", "400"},
    {"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b", "400"},
    {"a Host with a user", "GET / HTTP/1.1\r\nHost: a@b", "400"},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h", "505"},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h", "505"},
    {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: h", "505"},
    {"a version in small letters", "GET / http/1.1\r\nHost: h", "400"},
    {"a version with two digits", "GET / HTTP/1.10\r\nHost: h", "400"},
    {"no version", "GET /\r\nHost: h", "400"},
    {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: h", "400"},
    {"two spaces after the target", "GET /  HTTP/1.1\r\nHost: h", "400"},
    {"a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: h", "400"},
    {"white space after the version", "GET / HTTP/1.1 \r\nHost: h", "400"},
    {"a space in the target", "GET /a b HTTP/1.1\r\nHost: h", "400"},
    {"a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: h", "400"},
    {"a letter beyond ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h", "400"},
    {"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443", "400"},
    {"the asterisk", "OPTIONS * HTTP/1.1\r\nHost: h", "400"},
    {"a target without a slash", "GET a HTTP/1.1\r\nHost: h", "400"},
    {"an absolute target of another scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h", "400"},
    {"an absolute target and no Host", "GET http://h/ HTTP/1.1\r\nX: y", "400"},
    {"an absolute target and two Hosts", "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: i", "400"},
    {"an absolute target and a list as Host", "GET http://h/ HTTP/1.1\r\nHost: h, i", "400"},
    {"an absolute target with a list as host", "GET http://h,i/ HTTP/1.1\r\nHost: h", "400"},
    {"an absolute target with a backslash in its host", "GET http://h\\@i/ HTTP/1.1\r\nHost: h", "400"},
    {"an absolute target with a user", "GET http://u@h/ HTTP/1.1\r\nHost: u@h", "400"},
    {"an absolute target without a host", "GET http:///x HTTP/1.1\r\nHost:", "400"},
    {"two Expects", "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nExpect: 100-continue", "400"},
    {"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: h", "400"},
    {"a TLS hello", "\x16\x03\x01\x02", "400"},
    {"a method that is no token", "GE(T / HTTP/1.1\r\nHost: h", "400"},
};

TEST(RequestParser, refuses_what_two_readers_could_take_for_different_messages) {
  for (const Refused& row : kRefused) {
    EXPECT_THAT(request({row.head + "\r\n\r\n"}), testing::StartsWith("refused "s + row.answer)) << row.what;
  }
}

TEST(RequestParser, accepts_the_forms_that_clients_really_send) {
  const std::vector<std::pair<const char*, std::string>> rows = {
      {"an absolute target", "GET http://h:80/x?y HTTP/1.1\r\nHost: h:80"},
      {"an absolute target without a path", "GET https://h HTTP/1.1\r\nHost: H"},
      {"a Host that is an IPv6 literal", "GET / HTTP/1.1\r\nHost: [::1]:8700"},
      {"HTTP/1.0 without a Host", "GET / HTTP/1.0"},
      {"one empty line first", "\r\nGET / HTTP/1.1\r\nHost: h"},
      {"UTF-8 in a value", "GET / HTTP/1.1\r\nHost: h\r\nX-Title: \xc3\xa4"},
      {"a second question mark", "GET /?a?b HTTP/1.1\r\nHost: h"},
      {"an unknown method", "PURGE / HTTP/1.1\r\nHost: h"},
  };
  for (const auto& [what, head] : rows) {
    EXPECT_THAT(request({head + "\r\n\r\n"}), testing::Not(testing::StartsWith("refused"))) << what;
  }
}

TEST(RequestParser, takes_the_authority_of_an_absolute_target_for_the_host) {
  struct Row {
    const char* what;
    std::string head, host, target;
  };
  const Row rows[] = {
      {"a path", "GET /a?b HTTP/1.1\r\nHost: h:1", "h:1", "/a?b"},
      {"an absolute target that Host repeats", "GET http://h/a HTTP/1.1\r\nHost: h", "h", "/a"},
      {"an absolute target against Host", "GET http://i:80/a?b HTTP/1.1\r\nHost: h", "i:80", "/a?b"},
      {"an absolute target against an empty Host", "GET http://i HTTP/1.1\r\nHost:", "i", "/"},
      {"an absolute target in HTTP/1.0", "GET HTTP://[::1]:80/ HTTP/1.0", "[::1]:80", "/"},
      {"nobody, in HTTP/1.0", "GET / HTTP/1.0", "none", "/"},
  };
  RequestParser parser;
  for (const auto& row : rows) {
    parser.reset();
    const std::string bytes = row.head + "\r\n\r\n";
    ASSERT_EQ(parser.parse(bytes), HeadState::done) << row.what;
    EXPECT_EQ(parser.head().host().value_or("none"), row.host) << row.what;
    EXPECT_EQ(parser.head().target, row.target) << row.what;
  }
}

TEST(RequestParser, holds_the_limits_of_size_and_number) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string head = start + "X: " + std::string(60, 'x') + "\r\n\r\n";
  EXPECT_THAT(request({head}, {.bytes = head.size()}), testing::StartsWith("GET"));
  EXPECT_THAT(request({head}, {.bytes = head.size() - 1}), testing::StartsWith("refused 431"));
  EXPECT_THAT(request({std::string(200, 'A')}, {.bytes = 100}), testing::StartsWith("refused 431"));
  std::string many = start;
  for (int i = 0; i < 127; ++i) many += "X: y\r\n";
  EXPECT_THAT(request({many + "\r\n"}), testing::StartsWith("GET"));
  EXPECT_THAT(request({many + "X: y\r\n\r\n"}), testing::StartsWith("refused 431"));
}

TEST(RequestParser, knows_when_a_connection_may_go_on) {
  const auto keeps = [](const std::string& head) {
    RequestParser parser;
    EXPECT_EQ(parser.parse(head + "\r\n\r\n"), HeadState::done) << head;
    return parser.framing().keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: h"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: close"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, CLOSE"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive"));
}

TEST(ResponseParser, tells_how_the_body_ends) {
  using testing::StartsWith;
  EXPECT_THAT(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), StartsWith("200|1|5|1.1|keep"));
  EXPECT_THAT(response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), StartsWith("200|0|0|1.1|keep"));
  EXPECT_THAT(response("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"),
              StartsWith("200|2|0|1.1|keep"));
  EXPECT_THAT(response("HTTP/1.1 200 OK\r\n\r\n"), StartsWith("200|3|0|1.1|close"));
  EXPECT_THAT(response("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"), StartsWith("200|1|5|1.0|close"));
  EXPECT_THAT(response("HTTP/1.1 204 No Content\r\n\r\n"), StartsWith("204|0|0|1.1|keep"));
  EXPECT_THAT(response("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
              StartsWith("304|0|0|1.1|keep"));
  EXPECT_THAT(response("HTTP/1.1 100 Continue\r\n\r\n"), StartsWith("100|0|0|1.1|keep"));
  EXPECT_THAT(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ResponseParser::To::head_request),
              StartsWith("200|0|0|1.1|keep"));
}

TEST(ResponseParser, refuses_what_could_be_read_in_two_ways) {
  for (const std::string head :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5", "HTTP/2 200 OK", "HTTP/1.1 20 OK",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", "HTTP/1.1 099 Low",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked", "HTTP/1.1 200 OK\nX: y", "ICY 200 OK",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked", "HTTP/1.1 200 OK\r\nX: a\r\n b"}) {
    EXPECT_THAT(response(head + "\r\n\r\n"), testing::StartsWith("refused")) << head;
  }
}

TEST(ResponseParser, result_does_not_depend_on_how_the_bytes_arrive) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Generation-Id: gen-1\r\n\r\n";
  const std::string whole = response(head);
  for (std::size_t cut = 0; cut <= head.size(); ++cut) {
    ResponseParser parser;
    HeadState state = parser.parse(head.substr(0, cut), ResponseParser::To::other_request);
    const std::string again = head;
    if (state == HeadState::need_more) state = parser.parse(again, ResponseParser::To::other_request);
    if (cut == head.size()) continue;  // its views showed a string that is gone
    EXPECT_EQ(outcome(parser, state), whole) << "cut at " << cut;
  }
}

char lower_of(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }

TEST(Headers, names_are_the_same_but_for_the_case_of_letters_whatever_their_length) {
  for (std::size_t size = 1; size <= 20; ++size) {
    const std::string name = std::string("x-OpenRouter-Cache-TTL").substr(0, size);
    for (std::size_t at = 0; at < size; ++at) {
      for (int a = 0; a < 256; ++a) {
        for (const int b : {a, a ^ 0x20, a ^ 1, a ^ 0x80}) {
          std::string one = name, other = name;
          one[at] = static_cast<char>(a);
          other[at] = static_cast<char>(b);
          EXPECT_EQ(same_name(one, other), lower_of(one[at]) == lower_of(other[at])) << one << " " << other;
        }
      }
    }
  }
}

TEST(HeadText, finds_each_byte_that_a_token_or_a_value_must_not_hold_at_each_place) {
  const std::string text = "x-openrouter_Title-9.of-something~long";
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string odd = text;
      odd[at] = static_cast<char>(c);
      const bool token =
          c < 0x7f && (std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c)));
      EXPECT_EQ(count_token(odd), token ? text.size() : at) << c;
      const bool value = (c >= 0x20 && c != 0x7f) || c == '\t';
      EXPECT_EQ(count_value(odd), value ? text.size() : at) << c;
    }
  }
  EXPECT_EQ(count_token(""), 0u);
  EXPECT_EQ(count_value(""), 0u);
}

TEST(Headers, lists_are_read_without_case_and_white_space) {
  EXPECT_TRUE(list_has("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(list_has(" a ,\tb", "b"));
  EXPECT_FALSE(list_has("closed", "close"));
  EXPECT_FALSE(list_has("", "close"));
  HeaderView headers;
  headers.add("X-A", "1");
  headers.add("x-a", "2");
  EXPECT_EQ(headers.get("X-a"), "1");
  EXPECT_EQ(headers.count("x-A"), 2u);
  EXPECT_FALSE(headers.get("x-b"));
}

}  // namespace
}  // namespace gantry::net
