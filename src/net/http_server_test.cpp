#include "net/http_server.hpp"

#include "net/http_server_fixture.hpp"
#include "net/reply_head.hpp"

namespace gantry::net {
namespace {

using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(HttpServerTest, a_request_is_answered_and_the_connection_goes_on) {
  start_echo();
  RawClient client(port);
  EXPECT_EQ(ask(client, get("/a?b"), "GET /a?b "),
            "HTTP/1.1 200 OK\r\nDate: Mon, 21 Sep 2026 14:13:20 GMT\r\nContent-Type: text/plain\r\n"
            "Content-Length: 9\r\n\r\nGET /a?b ");
  client.got.clear();
  EXPECT_THAT(ask(client, post("/c", "body"), "POST /c body"), EndsWith("\r\n\r\nPOST /c body"));
  EXPECT_FALSE(client.ended);
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(HttpServerTest, a_request_may_arrive_byte_by_byte) {
  start_echo();
  RawClient client(port);
  for (const char byte : post("/slow", "0123456789")) {
    client.send({&byte, 1});
    settle({&client});
  }
  EXPECT_THAT(client.got, EndsWith("POST /slow 0123456789"));
}

TEST_F(HttpServerTest, bodies_of_every_size_come_whole_sized_and_chunked) {
  start_echo();
  RawClient client(port);
  for (const std::size_t size : {1u, 1900u, 1990u, 2047u, 2048u, 2049u, 5000u, 70'000u, 3'000'000u}) {
    std::string body(size, 'x');
    for (std::size_t i = 0; i < size; i += 7) body[i] = static_cast<char>('a' + i % 26);
    client.got.clear();
    ask(client, post("/s", body), "\nPOST /s " + body);
    EXPECT_EQ(body_of(client.got), "POST /s " + body) << size;
    client.got.clear();
    std::string chunked = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < size; at += 1000) {
      const std::string piece = body.substr(at, 1000);
      char line[20];
      std::snprintf(line, sizeof line, "%zx\r\n", piece.size());
      chunked += line + piece + "\r\n";
    }
    ask(client, chunked + "0\r\n\r\n", "\nPOST /c " + body);
    EXPECT_EQ(body_of(client.got), "POST /c " + body) << size;
  }
  EXPECT_FALSE(client.ended);
}

TEST_F(HttpServerTest, pipelined_requests_are_answered_in_order) {
  start_echo();
  RawClient client(port);
  std::string all;
  for (int i = 0; i < 200; ++i) {
    if (i % 3 == 0) all += get("/" + std::to_string(i));
    if (i % 3 == 1) all += post("/" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 20, 'b'));
    if (i % 3 == 2) {
      all += "POST /" + std::to_string(i) +
             " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    }
  }
  client.send(all);
  EXPECT_TRUE(pass([&] { return seen.size() == 200; }, {&client})) << seen.size();
  settle({&client});
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_THAT(seen[i], HasSubstr(" /" + std::to_string(i) + " ")) << i;
  }
  EXPECT_EQ(count_of(client.got, "HTTP/1.1 200 OK"), 200);
}

TEST_F(HttpServerTest, http_1_0_is_answered_in_kind) {
  start_echo();
  RawClient closing(port);
  ask(closing, "GET /a HTTP/1.0\r\n\r\n", "GET /a ");
  EXPECT_TRUE(pass([&] { return closing.ended; }, {&closing}));
  EXPECT_THAT(closing.got, StartsWith("HTTP/1.0 200 OK\r\n"));
  EXPECT_THAT(closing.got, HasSubstr("Connection: close\r\n"));
  RawClient keeping(port);
  ask(keeping, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /a ");
  EXPECT_THAT(keeping.got, HasSubstr("Connection: keep-alive\r\n"));
  settle({&keeping});
  EXPECT_FALSE(keeping.ended);
}

TEST_F(HttpServerTest, head_gets_the_length_and_no_body) {
  start_echo();
  RawClient client(port);
  ask(client, "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n" + get("/y"), "GET /y ");
  EXPECT_THAT(client.got, HasSubstr("Content-Length: 8\r\n\r\nHTTP/1.1 200 OK"));
}

TEST_F(HttpServerTest, connection_close_is_honoured) {
  start_echo();
  RawClient client(port);
  ask(client, get("/x", "Connection: close\r\n"), "GET /x ");
  EXPECT_THAT(client.got, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(pass([&] { return client.ended; }, {&client}));
  EXPECT_FALSE(client.was_reset);
}

// ---- streams ----

Task<void> stream_two(Exchange& exchange) {
  const auto begun = co_await exchange.begin(200, {}, Exchange::Flush::with_first_write);
  const auto one = co_await exchange.write("hello ");
  const auto none = co_await exchange.write("");
  const auto two = co_await exchange.write("world, longer than 16");
  const auto done = co_await exchange.finish();
  EXPECT_TRUE(begun && one && none && two && done);
}

TEST_F(HttpServerTest, a_stream_is_chunked_for_1_1_and_ends_with_the_connection_for_1_0) {
  start(&stream_two);
  RawClient modern(port);
  ask(modern, get("/"), "0\r\n\r\n");
  EXPECT_THAT(modern.got, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(body_of(modern.got), "6\r\nhello \r\n15\r\nworld, longer than 16\r\n0\r\n\r\n");
  EXPECT_FALSE(modern.ended);
  RawClient old(port);
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(pass([&] { return old.ended; }, {&old}));
  EXPECT_EQ(body_of(old.got), "hello world, longer than 16");
  EXPECT_THAT(old.got, Not(HasSubstr("chunked")));
  RawClient head(port);
  ask(head, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get("/"), "0\r\n\r\n");
  EXPECT_EQ(count_of(head.got, "hello"), 1);
}

struct Gate {
  Signal open;
  bool ended = false;
  Result<void> last;
  bool hung_up = false;
  std::size_t bytes_sent = 0;
};

Task<void> head_then_gate(Exchange& exchange, Gate& gate) {
  const auto begun = co_await exchange.begin(200, {}, Exchange::Flush::now);
  EXPECT_TRUE(begun);
  co_await gate.open;
  gate.last = co_await exchange.finish();
  gate.ended = true;
}

TEST_F(HttpServerTest, flush_now_sends_the_head_before_anything_is_written) {
  Gate gate;
  start([&gate](Exchange& exchange) { return head_then_gate(exchange, gate); });
  RawClient client(port);
  EXPECT_THAT(ask(client, get("/"), "\r\n\r\n"), EndsWith("\r\n\r\n"));
  gate.open.notify();
  EXPECT_TRUE(pass([&] { return client.got.ends_with("0\r\n\r\n"); }, {&client}));
}

Task<void> begin_and_leave(Exchange& exchange) {
  const auto begun = co_await exchange.begin(200, {}, Exchange::Flush::now);
  const auto wrote = co_await exchange.write("half");
  EXPECT_TRUE(begun && wrote);
}

TEST_F(HttpServerTest, a_stream_that_its_handler_leaves_never_looks_complete) {
  start(&begin_and_leave);
  RawClient client(port);
  client.send(get("/"));
  EXPECT_TRUE(pass([&] { return client.ended; }, {&client}));
  EXPECT_THAT(client.got, EndsWith("4\r\nhalf\r\n"));
  RawClient old(port);
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(pass([&] { return old.ended; }, {&old}));
  EXPECT_TRUE(old.was_reset);
}

Task<void> say_nothing(Exchange&) { co_return; }

TEST_F(HttpServerTest, a_handler_that_says_nothing_becomes_a_500) {
  start(&say_nothing);
  RawClient client(port);
  ask(client, get("/"), "}");
  EXPECT_THAT(client.got, StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_TRUE(pass([&] { return client.ended; }, {&client}));
}

Task<void> answer_twice(Exchange& exchange) {
  const Header evil{"X-Evil", "a\r\nSet-Cookie: b"};
  const auto first = co_await exchange.reply(204, {&evil, 1}, "");
  const auto second = co_await exchange.reply(200, {}, "two");
  EXPECT_TRUE(first);
  EXPECT_FALSE(second);
}

TEST_F(HttpServerTest, there_is_one_reply_and_its_head_cannot_be_split) {
  start(&answer_twice);
  RawClient client(port);
  ask(client, get("/"), "\r\n\r\n");
  settle({&client});
  EXPECT_EQ(client.got, "HTTP/1.1 204 No Content\r\nDate: Mon, 21 Sep 2026 14:13:20 GMT\r\n\r\n");
}

// ---- hang-ups and slow readers ----

Task<void> wait_for_hang_up(Exchange& exchange, Gate& gate) {
  exchange.on_hang_up([](void* context) { static_cast<Gate*>(context)->open.notify(); }, &gate);
  co_await gate.open;
  gate.hung_up = exchange.hung_up();
  gate.last = co_await exchange.reply(200, {}, "too late");
  gate.ended = true;
}

TEST_F(HttpServerTest, a_hang_up_is_told_at_once_while_the_request_is_answered) {
  for (const bool hard : {false, true}) {
    Gate gate;
    start([&gate](Exchange& exchange) { return wait_for_hang_up(exchange, gate); });
    RawClient client(port);
    client.send(post("/", "body"));
    EXPECT_TRUE(pass([&] { return server->active_requests() == 1; }, {&client}));
    settle({&client});
    EXPECT_FALSE(gate.ended);
    hard ? client.reset() : client.close();
    EXPECT_TRUE(pass([&] { return gate.ended; }));
    EXPECT_TRUE(gate.hung_up);
    EXPECT_TRUE(pass([&] { return server->connections() == 0; }));
  }
}

TEST_F(HttpServerTest, a_hang_up_behind_pipelined_bytes_is_seen_too) {
  Gate gate;
  start([&gate](Exchange& exchange) { return wait_for_hang_up(exchange, gate); });
  RawClient client(port);
  client.send(get("/1"));
  EXPECT_TRUE(pass([&] { return server->active_requests() == 1; }, {&client}));
  client.send(get("/2"));
  settle({&client});
  EXPECT_FALSE(gate.ended);
  client.reset();
  EXPECT_TRUE(pass([&] { return gate.ended; }));
}

TEST_F(HttpServerTest, closing_all_ends_a_handler_that_waits) {
  Gate gate;
  start([&gate](Exchange& exchange) { return wait_for_hang_up(exchange, gate); });
  RawClient client(port);
  client.send(get("/"));
  EXPECT_TRUE(pass([&] { return server->active_requests() == 1; }, {&client}));
  server->close_all();
  EXPECT_TRUE(pass([&] { return gate.ended && server->connections() == 0; }));
  EXPECT_TRUE(gate.hung_up);
  EXPECT_FALSE(gate.last);
}

Task<void> write_without_end(Exchange& exchange, Gate& gate) {
  gate.last = co_await exchange.begin(200, {}, Exchange::Flush::with_first_write);
  const std::string piece(16 * 1024, 'x');
  while (gate.last) {
    gate.last = co_await exchange.write(piece);
    gate.bytes_sent = exchange.bytes_sent();
  }
  gate.ended = true;
}

TEST_F(HttpServerTest, a_slow_reader_holds_the_writer_back_and_a_stalled_one_is_cut) {
  Gate gate;
  start([&gate](Exchange& exchange) { return write_without_end(exchange, gate); });
  RawClient client(port, 4096);
  client.send(get("/"));
  client.turn(RawClient::Read::no);
  settle();
  const std::size_t before = gate.bytes_sent;
  EXPECT_GT(before, 0u);
  EXPECT_LT(before, 16u * 1024 * 1024);
  settle();
  EXPECT_EQ(gate.bytes_sent, before);  // nobody reads, so nothing more is taken from the handler
  for (int i = 0; i < 5; ++i) {
    client.turn();
    settle();
    advance(seconds{20});  // more than write_stall together, but something moved in between
    EXPECT_FALSE(gate.ended);
  }
  EXPECT_GT(gate.bytes_sent, before);
  settle();
  advance(seconds{31});
  advance(seconds{31});
  EXPECT_TRUE(gate.ended);
  EXPECT_EQ(gate.last.error().fault, Fault::timed_out);
  EXPECT_TRUE(pass([&] { return client.ended; }, {&client}));
  EXPECT_TRUE(client.was_reset);
}

TEST_F(HttpServerTest, a_large_plain_reply_may_take_longer_than_the_stall_limit) {
  start([](Exchange& exchange) -> Task<void> {
    static const std::string large(8 * 1024 * 1024, 'x');
    const auto sent = co_await exchange.reply(200, {}, large);
    EXPECT_TRUE(sent);
  });
  RawClient client(port, 4096);
  client.send(get("/"));
  client.turn(RawClient::Read::no);
  settle();
  for (int i = 0; i < 4; ++i) {
    client.turn();
    settle();
    advance(seconds{20});
  }
  EXPECT_TRUE(pass([&] { return body_of(client.got).size() == 8 * 1024 * 1024; }, {&client}));
}

// ---- draining ----

TEST_F(HttpServerTest, draining_closes_idle_connections_and_says_close_on_the_others) {
  Gate gate;
  start([this, &gate](Exchange& exchange) {
    return exchange.head().path == "/wait" ? wait_for_hang_up(exchange, gate) : echo(exchange, *this);
  });
  RawClient idle(port), busy(port), fresh(port);
  ask(idle, get("/x"), "GET /x ");
  busy.send(get("/wait"));
  EXPECT_TRUE(pass([&] { return server->active_requests() == 1 && server->connections() == 3; }, {&busy}));
  server->close_after_replies();
  EXPECT_TRUE(pass([&] { return idle.ended; }, {&idle}));
  EXPECT_FALSE(idle.was_reset);
  gate.open.notify();
  EXPECT_TRUE(pass([&] { return busy.ended; }, {&busy}));
  EXPECT_THAT(busy.got, HasSubstr("Connection: close\r\n"));
  ask(fresh, get("/y"), "GET /y ");  // its first request was under way: it is still answered
  EXPECT_THAT(fresh.got, HasSubstr("Connection: close\r\n"));
  RawClient late(port);
  ask(late, get("/z"), "GET /z ");
  EXPECT_THAT(late.got, HasSubstr("Connection: close\r\n"));
  server->stop_accepting();
  settle();
  EXPECT_EQ(server->connections(), 0u);
  EXPECT_EQ(loop.running_tasks(), 0u);
}

TEST(ReplyHead, dates_are_written_as_http_wants_them) {
  EXPECT_EQ(http_date(WallTime{seconds{784111777}}), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(WallTime{seconds{951782400}}), "Tue, 29 Feb 2000 00:00:00 GMT");
  DateCache cache;
  EXPECT_EQ(cache.at(WallTime{seconds{0}}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(cache.at(WallTime{seconds{1}}), "Thu, 01 Jan 1970 00:00:01 GMT");
}

}  // namespace
}  // namespace gantry::net
