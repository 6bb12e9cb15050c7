// Every bound of ServerLimits, and the clients that push against it.

#include <sys/resource.h>

#include "net/http_server_fixture.hpp"

namespace gantry::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct ServerLimitsTest : HttpServerTest {
  /// Sends, waits for the end of the connection, and gives back all that came.
  std::string until_end(RawClient& client, std::string_view bytes) {
    client.send(bytes);
    EXPECT_TRUE(pass([&] { return client.got.ends_with("}"); }, {&client})) << client.got;
    client.half_close();
    EXPECT_TRUE(pass([&] { return client.ended; }, {&client}));
    EXPECT_FALSE(client.was_reset);
    EXPECT_THAT(client.got, HasSubstr("Connection: close\r\n"));
    return client.got;
  }
};

TEST_F(ServerLimitsTest, a_head_that_does_not_end_in_time_is_a_408) {
  start_echo();
  RawClient client(port);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n");
  settle({&client});
  for (int i = 0; i < 29; ++i) {
    client.send("X-" + std::to_string(i) + ": drip\r\n");  // bytes that keep coming do not help
    advance(seconds{1}, {&client});
    EXPECT_EQ(client.got, "");
  }
  advance(seconds{1} + milliseconds{20}, {&client});
  EXPECT_THAT(until_end(client, ""), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(ServerLimitsTest, a_body_that_does_not_end_in_time_is_a_408) {
  for (const std::string head : {"Content-Length: 10\r\n\r\nabc", "Content-Length: 100000\r\n\r\nabc",
                                 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    start_echo();
    RawClient client(port);
    client.send("POST / HTTP/1.1\r\nHost: h\r\n" + head);
    settle({&client});
    advance(seconds{119}, {&client});
    EXPECT_EQ(client.got, "") << head;
    advance(seconds{1} + milliseconds{20}, {&client});
    EXPECT_THAT(until_end(client, ""), StartsWith("HTTP/1.1 408 Request Timeout\r\n")) << head;
  }
}

TEST_F(ServerLimitsTest, an_idle_connection_is_closed_without_a_word) {
  start_echo();
  RawClient used(port), fresh(port);
  ask(used, get("/x"), "GET /x ");
  settle({&used, &fresh});
  used.got.clear();
  advance(seconds{74}, {&used, &fresh});
  EXPECT_FALSE(used.ended);
  EXPECT_FALSE(fresh.ended);
  advance(seconds{1} + milliseconds{20}, {&used, &fresh});
  EXPECT_TRUE(used.ended && !used.was_reset);
  EXPECT_TRUE(fresh.ended && !fresh.was_reset);
  EXPECT_EQ(used.got + fresh.got, "");
}

TEST_F(ServerLimitsTest, a_request_just_before_the_idle_limit_starts_it_anew) {
  start_echo();
  RawClient client(port);
  for (int i = 0; i < 3; ++i) {
    client.got.clear();
    ask(client, get("/x"), "GET /x ");
    advance(seconds{70}, {&client});
    EXPECT_FALSE(client.ended);
  }
}

TEST_F(ServerLimitsTest, large_heads_are_received_up_to_the_limit_and_beyond_it_are_a_431) {
  start_echo();
  RawClient fits(port), too_large(port);
  const std::string big = "X: " + std::string(60 * 1024, 'x') + "\r\n";
  ask(fits, get("/big", big), "GET /big ");
  EXPECT_THAT(fits.got, StartsWith("HTTP/1.1 200 OK\r\n"));
  fits.got.clear();
  ask(fits, get("/again", big) + get("/small"), "GET /small ");
  EXPECT_EQ(count_of(fits.got, "200 OK"), 2);
  EXPECT_THAT(until_end(too_large, get("/", "X: " + std::string(70 * 1024, 'x') + "\r\n")),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(ServerLimitsTest, a_declared_body_over_the_limit_is_a_413_before_it_is_read) {
  options.limits.max_body_bytes = 1000;
  start_echo();
  RawClient client(port);
  EXPECT_THAT(until_end(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n"),
              StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_TRUE(seen.empty());
  RawClient sender(port);  // it sends all the same and can still read the answer
  EXPECT_THAT(until_end(sender, post("/", std::string(2'000'000, 'x'))), StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerLimitsTest, a_chunked_body_over_the_limit_is_a_413_while_it_is_decoded) {
  options.limits.max_body_bytes = 1000;
  start_echo();
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  RawClient fits(port);
  ask(fits, head + "3e8\r\n" + std::string(1000, 'x') + "\r\n0\r\n\r\n", "xxx");
  EXPECT_THAT(fits.got, StartsWith("HTTP/1.1 200 "));
  RawClient client(port);
  EXPECT_THAT(until_end(client, head + "3e9\r\n" + std::string(1001, 'x')), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(ServerLimitsTest, bodies_in_flight_are_bounded_over_all_connections) {
  InflightBytes inflight(100'000);
  options.inflight = &inflight;
  start_echo();
  RawClient holds(port), refused(port), chunked(port);
  holds.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\nabc");
  EXPECT_TRUE(pass([&] { return inflight.held() == 65'536; }, {&holds}));
  const std::string reply = until_end(refused, post("/", std::string(40'000, 'x')));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(reply, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(until_end(chunked, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9c40\r\n" +
                                     std::string(40'000, 'x')),
              StartsWith("HTTP/1.1 503 "));
  ask(holds, std::string(89'997, 'y'), "yyy");
  EXPECT_THAT(holds.got, StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(pass([&] { return inflight.held() == 0; }, {&holds}));
  RawClient small(port);  // bodies that fit beside the head take nothing
  ask(small, post("/", "abc"), "abc");
  EXPECT_EQ(inflight.held(), 0u);
}

TEST_F(ServerLimitsTest, claimed_lengths_without_bytes_shut_nobody_out) {
  InflightBytes inflight(1024 * 1024);
  options.inflight = &inflight;
  start_echo();
  std::vector<std::unique_ptr<RawClient>> claims;
  for (int i = 0; i < 8; ++i) {
    claims.push_back(std::make_unique<RawClient>(port));
    claims.back()->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\nabc");
    settle({claims.back().get()});
    EXPECT_EQ(claims.back()->got, "") << i;
  }
  EXPECT_EQ(inflight.held(), 8u * 65'536);
  RawClient honest(port);
  EXPECT_THAT(ask(honest, post("/", std::string(300'000, 'x') + "end"), "xend"), StartsWith("HTTP/1.1 200 "));
  settle({&honest});
  EXPECT_EQ(inflight.held(), 8u * 65'536);
  for (auto& claim : claims) claim->close();
  EXPECT_TRUE(pass([&] { return inflight.held() == 0; }));
}

TEST_F(ServerLimitsTest, a_body_holds_at_most_twice_what_came_and_never_more_than_it_declared) {
  InflightBytes inflight(1024 * 1024);
  options.inflight = &inflight;
  start_echo();
  RawClient client(port);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n");
  for (const auto& [bytes, held] : {std::pair{65'535uz, 65'536uz},
                                    {2uz, 131'072uz},
                                    {65'534uz, 131'072uz},
                                    {1uz, 200'000uz},
                                    {68'927uz, 200'000uz}}) {
    client.send(std::string(bytes, 'x'));
    settle({&client});
    EXPECT_EQ(client.got, "");
    EXPECT_EQ(inflight.held(), held) << bytes;
  }
  ask(client, "z", "xz");
  EXPECT_EQ(body_of(client.got), "POST / " + std::string(199'999, 'x') + "z");
  settle({&client});
  EXPECT_EQ(inflight.held(), 0u);
}

TEST_F(ServerLimitsTest, a_body_refused_in_its_middle_gives_everything_back_at_once) {
  InflightBytes inflight(100'000);
  options.inflight = &inflight;
  start_echo();
  const std::string body(200'000, 'x');
  for (const std::string& request :
       {post("/", body),
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" + body}) {
    RawClient client(port);
    client.send(request);
    EXPECT_TRUE(pass([&] { return client.got.ends_with("}"); }, {&client}));
    EXPECT_THAT(client.got, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
    EXPECT_THAT(client.got, HasSubstr("Retry-After: 1\r\n"));
    EXPECT_FALSE(client.ended && client.was_reset);
    EXPECT_EQ(inflight.held(), 0u) << "while the refused connection is still open";
  }
  EXPECT_TRUE(seen.empty());
  RawClient slow(port);
  slow.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\nabc");
  settle({&slow});
  EXPECT_EQ(inflight.held(), 65'536u);
  advance(options.limits.body_time + milliseconds{20}, {&slow});
  EXPECT_THAT(slow.got, StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(inflight.held(), 0u);
}

TEST_F(ServerLimitsTest, connections_beyond_the_limit_get_a_503_and_a_place_frees_up) {
  options.limits.max_connections = 2;
  start_echo();
  RawClient one(port);
  auto two = std::make_unique<RawClient>(port);
  EXPECT_TRUE(pass([&] { return server->connections() == 2; }));
  RawClient three(port);
  const std::string reply = until_end(three, get("/"));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(reply, HasSubstr("Retry-After: 1\r\n"));
  two->close();
  EXPECT_TRUE(pass([&] { return server->connections() == 1; }));
  RawClient four(port);
  EXPECT_THAT(ask(four, get("/"), "GET / "), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerLimitsTest, connections_per_address_are_bounded) {
  options.limits.max_per_address = 1;
  start_echo();
  {
    RawClient one(port);
    EXPECT_TRUE(pass([&] { return server->connections() == 1; }));
    RawClient two(port);
    EXPECT_THAT(until_end(two, get("/")), StartsWith("HTTP/1.1 503 "));
  }
  EXPECT_TRUE(pass([&] { return server->connections() == 0; }));
  RawClient three(port);
  EXPECT_THAT(ask(three, get("/"), "GET / "), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerLimitsTest, a_refused_client_that_never_leaves_is_closed_all_the_same) {
  start_echo();
  RawClient client(port);
  client.send("nonsense\n");
  EXPECT_TRUE(pass([&] { return client.ended; }, {&client}));  // FIN after the 400
  settle({&client});
  EXPECT_EQ(server->connections(), 1u);
  advance(seconds{2} + milliseconds{20}, {&client});
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(ServerLimitsTest, running_out_of_descriptors_only_pauses_accepting) {
  start_echo();
  RawClient client(port);  // waits in the backlog: the loop has not turned yet
  const int next = ::open("/dev/null", O_RDONLY);
  ::close(next);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  client.send(get("/"));
  settle({&client});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  settle({&client});
  EXPECT_EQ(server->connections(), 0u);
  advance(milliseconds{120}, {&client});
  EXPECT_THAT(client.got, StartsWith("HTTP/1.1 200 "));
}

// ---- Expect ----

TEST_F(ServerLimitsTest, continue_is_said_once_and_only_when_the_handler_reads) {
  start_echo();
  RawClient client(port);
  const std::string head = "POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(ask(client, head, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.got.clear();
  EXPECT_THAT(ask(client, "abc", "POST /e abc"), StartsWith("HTTP/1.1 200 "));
  client.got.clear();
  EXPECT_THAT(ask(client, head + "abc", "POST /e abc"), StartsWith("HTTP/1.1 200 "));  // it did not wait
}

Task<void> refuse_unread(Exchange& exchange) {
  const auto sent = co_await exchange.reply(401, {}, "{}");
  EXPECT_TRUE(sent);
}

TEST_F(ServerLimitsTest, an_answer_instead_of_continue_ends_the_connection) {
  start(&refuse_unread);
  RawClient client(port);
  const std::string reply =
      until_end(client, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 401 "));
}

TEST_F(ServerLimitsTest, other_expectations_are_a_417_and_those_of_1_0_are_ignored) {
  start_echo();
  RawClient client(port), old(port);
  EXPECT_THAT(until_end(client, get("/", "Expect: a-miracle\r\n")), StartsWith("HTTP/1.1 417 "));
  EXPECT_THAT(ask(old, "GET / HTTP/1.0\r\nExpect: a-miracle\r\n\r\n", "GET / "), StartsWith("HTTP/1.0 200 "));
}

TEST_F(ServerLimitsTest, a_small_body_nobody_read_goes_by_and_a_large_one_ends_the_connection) {
  start(&refuse_unread);
  RawClient small(port);
  ask(small, post("/", std::string(30'000, 'x')), "{}");
  small.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2710\r\n" +
             std::string(10'000, 'x') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(pass([&] { return count_of(small.got, "401 Unauthorized") == 2; }, {&small}));
  small.send(get("/"));
  EXPECT_TRUE(pass([&] { return count_of(small.got, "401 Unauthorized") == 3; }, {&small}));
  EXPECT_THAT(small.got, Not(HasSubstr("Connection: close")));
  RawClient large(port);
  EXPECT_THAT(until_end(large, post("/", std::string(500'000, 'x'))), StartsWith("HTTP/1.1 401 "));
}

}  // namespace
}  // namespace gantry::net
