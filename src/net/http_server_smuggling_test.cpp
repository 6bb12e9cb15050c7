// Requests that a proxy before us, or a server behind us, could read differently. None may reach the handler
// beyond what it plainly says, and after a refusal nothing that follows on the connection is read as a
// request.

#include "net/http_server_fixture.hpp"

namespace gantry::net {
namespace {

using std::string_literals::operator""s;

struct Attack {
  const char* name;
  std::string bytes;
  int status;
};

// Each is followed by a smuggled GET /admin, which must never be answered.
const std::vector<Attack> kAttacks = {
    {"CL.TE",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400},
    {"TE.CL", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n",
     400},
    {"TE.TE with white space", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
     400},
    {"TE.TE with a second coding",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"TE that is not quite chunked",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
    {"TE in quotes", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400},
    {"TE folded onto the next line",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
    {"TE behind a bare LF", "POST / HTTP/1.1\r\nHost: h\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"TE behind a bare CR", "POST / HTTP/1.1\r\nHost: h\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"TE with NUL", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n"s, 400},
    {"TE on HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"duplicate CL, equal", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
     400},
    {"duplicate CL, different",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 30\r\n\r\n", 400},
    {"CL list", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 30\r\n\r\n", 400},
    {"CL with plus", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n", 400},
    {"CL with an inner space", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3 0\r\n\r\n", 400},
    {"CL that overflows", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
    {"bare LF lines", "GET / HTTP/1.1\nHost: h\n\n", 400},
    {"LF LF end after CR LF lines", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"absolute target without Host", "GET http://h/ HTTP/1.1\r\n\r\n", 400},
    {"absolute target and two Hosts", "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400},
    {"absolute target with a user", "GET http://h@i/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"absolute target with two hosts", "GET http://h,i/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"absolute target of another scheme", "GET gopher://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"CONNECT", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", 400},
    {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"chunk size with 0x", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
     400},
    {"chunk size with sign", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-0\r\n\r\n",
     400},
    {"chunk size with space", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0 \r\n\r\n",
     400},
    {"chunk size that overflows",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n", 400},
    {"chunk line with bare LF", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n",
     400},
    {"chunk extension with bare LF",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;\nx\r\nx\r\n0\r\n\r\n", 400},
    {"chunk data without CR LF",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", 400},
    {"endless chunk extension",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0;" + std::string(5000, 'a') +
         "\r\n\r\n",
     400},
    {"endless trailers",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + std::string(9000, 'a') +
         "\r\n\r\n",
     400},
    {"folded trailer",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n", 400},
};

TEST_F(HttpServerTest, smuggling_shapes_are_refused_and_the_connection_is_closed) {
  start_echo();
  for (const Attack& attack : kAttacks) {
    seen.clear();
    RawClient client(port);
    client.send(attack.bytes + "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(pass([&] { return client.ended; }, {&client})) << attack.name;
    EXPECT_THAT(client.got, testing::StartsWith("HTTP/1.1 " + std::to_string(attack.status) + " "))
        << attack.name;
    EXPECT_THAT(client.got, testing::HasSubstr("Connection: close\r\n")) << attack.name;
    EXPECT_THAT(client.got, testing::HasSubstr("\"why\":\"")) << attack.name;
    EXPECT_EQ(count_of(client.got, "HTTP/1.1 "), 1) << attack.name << "\n" << client.got;
    EXPECT_TRUE(seen.empty()) << attack.name << " reached the handler: " << seen.front();
    EXPECT_FALSE(client.was_reset) << attack.name;
  }
}

TEST_F(HttpServerTest, a_smuggling_shape_behind_a_good_request_is_refused_as_well) {
  start_echo();
  for (const Attack& attack : kAttacks) {
    seen.clear();
    RawClient client(port);
    client.send(get("/good") + attack.bytes + "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(pass([&] { return client.ended; }, {&client})) << attack.name;
    EXPECT_EQ(seen, std::vector<std::string>{"GET /good "}) << attack.name;
    EXPECT_THAT(client.got, testing::HasSubstr("HTTP/1.1 " + std::to_string(attack.status) + " "))
        << attack.name;
  }
}

TEST_F(HttpServerTest, an_absolute_target_is_for_its_own_host_and_frames_nothing_differently) {
  std::vector<std::string> hosts;
  start([&](Exchange& exchange) {
    hosts.emplace_back(exchange.head().host().value_or("none"));
    return echo(exchange, *this);
  });
  RawClient client(port);
  ask(client,
      "POST http://i:80/a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz" + get("/b") +
          "GET http://i/c?d HTTP/1.1\r\nHost: h\r\n\r\n" + get("/last"),
      "GET /last ");
  EXPECT_EQ(seen, (std::vector<std::string>{"POST /a xyz", "GET /b ", "GET /c?d ", "GET /last "}));
  EXPECT_EQ(hosts, (std::vector<std::string>{"i:80", "h", "i", "h"}));
}

TEST_F(HttpServerTest, a_request_inside_a_body_stays_a_body) {
  start_echo();
  RawClient client(port);
  ask(client, post("/", get("/inner")) + get("/last"), "GET /last ");
  EXPECT_EQ(seen, (std::vector<std::string>{"POST / " + get("/inner"), "GET /last "}));
}

}  // namespace
}  // namespace gantry::net
