// A streamed reply whose request is let go: what must still work without its memory.

#include "net/http_server_fixture.hpp"

namespace gantry::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

struct Stream {
  Signal go_on;
  bool hung_up = false;
  bool ended = false;
  std::string body;            ///< as it was read, before the request was let go
  std::string path_after;      ///< what head() shows then
  std::size_t seen_after = 0;  /// what read_body() shows then
};

// Streams two pieces, the second when it is told to.
Task<void> stream_and_forget(Exchange& exchange, Stream& stream) {
  exchange.on_hang_up([](void* self) { static_cast<Stream*>(self)->go_on.notify(); }, &stream);
  const auto body = co_await exchange.read_body();
  EXPECT_TRUE(body);
  stream.body = body.value_or("");
  const auto begun = co_await exchange.begin(200, {}, Exchange::Flush::with_first_write);
  const auto one = co_await exchange.write("one");
  EXPECT_TRUE(begun && one);
  exchange.forget_request();
  stream.path_after = exchange.head().path;
  const auto again = co_await exchange.read_body();
  stream.seen_after = again ? again->size() : 1;
  co_await stream.go_on;
  stream.hung_up = exchange.hung_up();
  if (!stream.hung_up) {
    const auto two = co_await exchange.write("two");
    const auto done = co_await exchange.finish();
    EXPECT_TRUE(two && done);
  }
  stream.ended = true;
}

struct ForgetTest : HttpServerTest {
  InflightBytes inflight{1'000'000};
  Stream stream;

  void start_streaming() {
    options.inflight = &inflight;
    start([this](Exchange& exchange) {
      return exchange.head().path == "/stream" ? stream_and_forget(exchange, stream) : echo(exchange, *this);
    });
  }
  void open(RawClient& client, std::string_view body) {
    stream.ended = false;
    client.send(post("/stream", body));
    EXPECT_TRUE(pass([&] { return client.got.ends_with("one\r\n"); }, {&client}));
    settle({&client});
  }
  void end(RawClient& client, std::string_view until = "0\r\n\r\n") {
    stream.go_on.notify();
    EXPECT_TRUE(pass([&] { return client.got.ends_with(until); }, {&client})) << client.got;
  }
};

TEST_F(ForgetTest, a_body_of_any_size_goes_and_the_connection_answers_on) {
  start_streaming();
  RawClient client(port);
  for (const std::size_t size : {0uz, 10uz, 1'300uz, 1'460uz, 5'000uz, 15'000uz, 200'000uz}) {
    const std::string body(size, 'x');
    open(client, body);
    EXPECT_EQ(stream.body, body);
    EXPECT_EQ(inflight.held(), 0u) << size;
    EXPECT_EQ(stream.path_after, "");
    EXPECT_EQ(stream.seen_after, 0u);
    end(client);
    EXPECT_THAT(client.got, EndsWith("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
    client.got.clear();
    EXPECT_THAT(ask(client, post("/next", body), "POST /next " + body), EndsWith("POST /next " + body));
    client.got.clear();
  }
}

TEST_F(ForgetTest, a_hang_up_is_told_at_once_all_the_same) {
  start_streaming();
  for (const std::size_t size : {10uz, 100'000uz}) {
    for (const bool hard : {false, true}) {
      RawClient client(port);
      open(client, std::string(size, 'x'));
      EXPECT_FALSE(stream.ended);
      hard ? client.reset() : client.close();
      EXPECT_TRUE(pass([&] { return stream.ended; }));
      EXPECT_TRUE(stream.hung_up);
      EXPECT_TRUE(pass([&] { return server->connections() == 0; }));
      stream.go_on.reset();
    }
  }
}

TEST_F(ForgetTest, requests_sent_during_the_stream_are_answered_behind_it) {
  start_streaming();
  RawClient client(port);
  open(client, "question");
  const std::string large(40'000, 'y');
  client.send(get("/2"));
  settle({&client});
  client.send(post("/3", large) + get("/4"));
  settle({&client});
  EXPECT_TRUE(seen.empty());
  end(client, "GET /4 ");
  EXPECT_THAT(seen, testing::ElementsAre("GET /2 ", "POST /3 " + large, "GET /4 "));
}

TEST_F(ForgetTest, a_request_that_was_sent_along_is_not_lost) {
  start_streaming();
  RawClient client(port);
  client.send(post("/stream", "question") + get("/2"));
  EXPECT_TRUE(pass([&] { return client.got.ends_with("one\r\n"); }, {&client}));
  end(client, "GET /2 ");
}

TEST_F(ForgetTest, a_hang_up_behind_requests_sent_during_the_stream_is_told_too) {
  start_streaming();
  RawClient client(port);
  open(client, "question");
  client.send(get("/2"));
  settle({&client});
  EXPECT_FALSE(stream.ended);
  client.reset();
  EXPECT_TRUE(pass([&] { return stream.ended; }));
  EXPECT_TRUE(stream.hung_up);
}

Task<void> forget_too_soon(Exchange& exchange) {
  exchange.forget_request();
  const auto body = co_await exchange.read_body();
  exchange.forget_request();
  const std::string text = std::string(exchange.head().path) + " " + std::string(body.value_or("none"));
  const auto sent = co_await exchange.reply(200, {}, text);
  EXPECT_TRUE(sent);
}

TEST_F(ForgetTest, before_a_stream_has_begun_nothing_is_forgotten) {
  start(&forget_too_soon);
  RawClient client(port);
  EXPECT_THAT(ask(client, post("/here", "the body"), "body"), HasSubstr("/here the body"));
}

}  // namespace
}  // namespace gantry::net
