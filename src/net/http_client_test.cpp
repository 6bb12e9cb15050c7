// The pool as its callers see it: reuse, bounds, waiting, replacement.
#include "net/http_client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net/client_test_kit.hpp"

namespace gantry::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

struct HttpClientTest : ClientTest {};

TEST_F(HttpClientTest, request_goes_out_whole_and_the_response_comes_back) {
  Call& it = call([](Call& c) {
    c.body = R"({"model":"a/b"})";
    c.headers = {{"Authorization", "Bearer k"}, {"Accept-Encoding", "identity"}};
  });
  run_until([&] { return peer.requests() == 1 && peer.line(0).received.ends_with("}"); });
  EXPECT_EQ(peer.line(0).received,
            "POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(peer.port()) +
                "\r\nAuthorization: Bearer k\r\nAccept-Encoding: identity\r\n"
                "Content-Length: 15\r\n\r\n{\"model\":\"a/b\"}");
  peer.say(0, "HTTP/1.1 201 Created\r\nX-Generation-Id: gen-1\r\nContent-Length: 5\r\n\r\nhello");
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.sound());
  EXPECT_EQ(it.response->status(), 201);
  EXPECT_EQ(it.response->headers().get("x-generation-id"), "gen-1");
  EXPECT_EQ(it.response->length(), 5u);
  EXPECT_EQ(it.content, "hello");
}

TEST_F(HttpClientTest, get_without_body_has_no_content_length_and_post_says_zero) {
  call([](Call& c) { c.method = "GET"; });
  call();
  run_until([&] { return peer.requests() == 2; });
  EXPECT_THAT(peer.line(0).received, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(peer.line(1).received, HasSubstr("Content-Length: 0\r\n"));
}

TEST_F(HttpClientTest, http_origin_goes_through_a_proxy_in_absolute_form) {
  options.proxy = "http://user:secret@127.0.0.1:" + std::to_string(peer.port());
  Call& it = calls.emplace_back();
  const Origin plain{.https = false, .host = "api.example", .port = 80};
  loop.spawn(perform(client(), plain, it));
  run_until([&] { return peer.requests() == 1; });
  EXPECT_EQ(peer.line(0).received,
            "POST http://api.example/api/v1/chat/completions HTTP/1.1\r\nHost: api.example\r\n"
            "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\nContent-Length: 0\r\n\r\n");
  peer.say(0, kOk);
  run_until([&] { return it.done; });
  EXPECT_TRUE(it.sound());
}

TEST_F(HttpClientTest, request_that_would_forge_fields_is_refused_before_anything_is_sent) {
  const std::vector<std::function<void(Call&)>> bad = {
      [](Call& c) { c.path = "/a b"; },
      [](Call& c) { c.path = "/a\r\nX: y"; },
      [](Call& c) { c.path = "a"; },
      [](Call& c) { c.method = "GET /"; },
      [](Call& c) { c.headers = {{"X", "a\r\nY: b"}}; },
      [](Call& c) { c.headers = {{"X", "a\nb"}}; },
      [](Call& c) { c.headers = {{"X", std::string_view("a\0b", 3)}}; },
      [](Call& c) { c.headers = {{"X: y", "b"}}; },
      [](Call& c) { c.headers = {{"", "b"}}; },
  };
  for (const auto& change : bad) {
    Call& it = call(change);
    ASSERT_TRUE(it.done);
    ASSERT_TRUE(it.failure);
    EXPECT_EQ(it.failure->failure.fault, Fault::bad_input);
    EXPECT_EQ(it.failure->reached, Reached::nothing_sent);
  }
  settle();
  EXPECT_EQ(peer.lines(), 0u);
}

TEST_F(HttpClientTest, connection_is_used_again_after_a_complete_response) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(answered(0, kOk).sound());
  EXPECT_EQ(peer.lines(), 1u);
  EXPECT_EQ(client().stats().connects, 1u);
  EXPECT_EQ(client().stats().reused, 4u);
  EXPECT_EQ(client().stats().idle, 1u);
}

TEST_F(HttpClientTest, connection_is_idle_as_soon_as_the_last_byte_is_delivered) {
  Call& it = call([](Call& c) { c.read_body = false; });
  run_until([&] { return peer.requests() == 1; });
  peer.say(0, kOk);
  run_until([&] { return it.done; });
  EXPECT_EQ(client().stats().idle, 0u);
  loop.spawn(read(it));
  EXPECT_EQ(it.content, "ok");
  EXPECT_EQ(client().stats().idle, 1u);
}

TEST_F(HttpClientTest, connection_is_not_used_again_when_it_must_not_be) {
  const std::vector<std::string> last_replies = {
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
      std::string(kOk) + "surplus",
  };
  std::size_t line = 0;
  for (const auto& reply : last_replies) {
    EXPECT_TRUE(answered(line, reply).sound()) << reply;
    run_until([&] { return peer.line(line).ended; });
    EXPECT_EQ(client().stats().open, 0u) << reply;
    ++line;
  }
}

TEST_F(HttpClientTest, most_recently_used_connection_is_taken_first) {
  Call& a = call();
  Call& b = call();
  run_until([&] { return peer.requests() == 2; });
  peer.say(0, kOk);
  run_until([&] { return a.done; });
  peer.say(1, kOk);
  run_until([&] { return b.done; });
  answered(1, kOk);
  answered(1, kOk);
  EXPECT_EQ(peer.requests(0), 1u);
  EXPECT_EQ(peer.requests(1), 3u);
}

TEST_F(HttpClientTest, idle_connections_are_closed_when_their_time_is_over) {
  options.idle_time = seconds{50};
  answered(0, kOk);
  advance(seconds{49});
  EXPECT_EQ(client().stats().idle, 1u);
  answered(0, kOk);  // used again: the clock starts anew
  advance(seconds{49});
  EXPECT_EQ(client().stats().idle, 1u);
  advance(seconds{2});
  EXPECT_EQ(client().stats().idle, 0u);
  run_until([&] { return peer.line(0).ended; });
}

TEST_F(HttpClientTest, connection_past_its_age_is_replaced) {
  options.max_age = minutes{30};
  options.idle_time = minutes{60};
  answered(0, kOk);
  advance(minutes{29});
  answered(0, kOk);
  advance(minutes{2});
  answered(1, kOk);
  EXPECT_TRUE(peer.line(0).ended);
}

TEST_F(HttpClientTest, no_more_than_max_idle_are_kept_and_the_oldest_go) {
  options.max_idle = 2;
  std::vector<Call*> three = {&call(), &call(), &call()};
  run_until([&] { return peer.requests() == 3; });
  for (std::size_t i = 0; i < 3; ++i) {
    peer.say(i, kOk);
    run_until([&] { return three[i]->done; });
  }
  EXPECT_EQ(client().stats().idle, 2u);
  run_until([&] { return peer.line(0).ended; });
  EXPECT_FALSE(peer.line(1).ended);
}

TEST_F(HttpClientTest, connection_that_the_peer_closed_or_spoiled_while_idle_is_not_used) {
  answered(0, kOk);
  peer.close(0);
  loop.poll();  // the kernel's word of it arrives with the loop's next turn
  EXPECT_TRUE(answered(1, kOk).sound());
  peer.close(1, Socket::Close::reset);
  loop.poll();
  EXPECT_TRUE(answered(2, kOk).sound());
  peer.say(2, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  loop.poll();
  EXPECT_TRUE(answered(3, kOk).sound());
  for (std::size_t line = 0; line < 4; ++line) EXPECT_EQ(peer.requests(line), 1u);
}

TEST_F(HttpClientTest, waiters_are_served_in_order_of_asking) {
  options.max_connections = 1;
  std::vector<Call*> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(&call([&](Call& c) { c.path = "/" + std::to_string(i); }));
  }
  EXPECT_EQ(client().stats().waiting, 3u);
  for (std::size_t i = 0; i < 4; ++i) {
    run_until([&] { return peer.lines() == 1 && peer.requests(0) == i + 1; });
    EXPECT_THAT(peer.line(0).received, HasSubstr("POST /" + std::to_string(i)));
    EXPECT_THAT(peer.line(0).received, Not(HasSubstr("POST /" + std::to_string(i + 1))));
    peer.say(0, kOk);
    run_until([&] { return waiting[i]->done; });
  }
  EXPECT_EQ(peer.lines(), 1u);
}

TEST_F(HttpClientTest, waiter_gives_up_at_its_own_deadline_and_the_next_is_served) {
  options.max_connections = 1;
  Call& busy = call();
  Call& hasty = call([&](Call& c) { c.deadlines.connect = time.mono() + seconds{1}; });
  Call& patient = call([&](Call& c) { c.deadlines.connect = time.mono() + seconds{10}; });
  run_until([&] { return peer.requests() == 1; });
  advance(seconds{2});
  ASSERT_TRUE(hasty.done);
  EXPECT_EQ(hasty.failure->failure.fault, Fault::overloaded);
  EXPECT_EQ(hasty.failure->reached, Reached::nothing_sent);
  EXPECT_FALSE(patient.done);
  peer.say(0, kOk);
  run_until([&] { return busy.done && peer.requests(0) == 2; });
  peer.say(0, kOk);
  run_until([&] { return patient.done; });
  EXPECT_TRUE(patient.sound());
}

TEST_F(HttpClientTest, waiter_connects_when_a_connection_breaks_off) {
  options.max_connections = 1;
  Call& first = call();
  Call& second = call();
  run_until([&] { return peer.requests() == 1; });
  peer.close(0);
  run_until([&] { return first.done && peer.lines() == 2 && peer.requests(1) == 1; });
  peer.say(1, kOk);
  run_until([&] { return second.done; });
  EXPECT_TRUE(second.sound());
}

TEST_F(HttpClientTest, cancelled_waiter_leaves_the_queue_and_takes_nothing_with_it) {
  options.max_connections = 1;
  Call& busy = call();
  Call& unwanted = call();
  Call& wanted = call();
  run_until([&] { return peer.requests() == 1; });
  // By then the connection has been granted to `unwanted`, which has not gone on yet.
  busy.at_end = [&] { unwanted.canceller.cancel(); };
  peer.say(0, kOk);
  run_until([&] { return unwanted.done && peer.requests(0) == 2; });
  EXPECT_EQ(unwanted.failure->failure.fault, Fault::cancelled);
  peer.say(0, kOk);
  run_until([&] { return wanted.done; });
  EXPECT_TRUE(wanted.sound());
  EXPECT_EQ(client().stats().idle, 1u);
  EXPECT_EQ(client().stats().open, 1u);
}

TEST_F(HttpClientTest, connects_in_flight_are_capped) {
  options.max_connecting = 2;
  std::vector<Call*> five;
  for (int i = 0; i < 5; ++i) five.push_back(&call());
  EXPECT_EQ(client().stats().open, 2u);
  EXPECT_EQ(client().stats().waiting, 3u);
  run_until([&] { return peer.requests() == 5; });
  EXPECT_EQ(client().stats().connects, 5u);
}

TEST_F(HttpClientTest, connection_found_closed_after_hand_over_is_replaced_silently) {
  options.max_connections = 1;
  Call& first = call();
  Call& second = call();
  run_until([&] { return peer.requests() == 1; });
  // Answer and end in one go: the waiter is handed the connection before anybody can have seen its end.
  peer.say(0, kOk);
  peer.close(0);
  run_until([&] { return first.done && peer.lines() == 2 && peer.requests(1) == 1; });
  peer.say(1, kOk);
  run_until([&] { return second.done; });
  EXPECT_TRUE(second.sound());
  EXPECT_EQ(client().stats().replaced_stale, 1u);
}

TEST_F(HttpClientTest, request_that_the_peer_has_taken_is_never_sent_twice) {
  answered(0, kOk);
  Call& it = call();
  run_until([&] { return peer.requests(0) == 2; });
  peer.close(0);
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.failure);
  EXPECT_EQ(it.failure->reached, Reached::request_sent);
  EXPECT_EQ(client().stats().replaced_stale, 0u);
  EXPECT_EQ(peer.lines(), 1u);
}

TEST_F(HttpClientTest, request_that_was_read_but_not_acknowledged_before_a_reset_is_never_sent_twice) {
  answered(0, kOk);
  // Acknowledgements travel with the next answer, as they usually do on a warm connection.
  const int later = 0;
  ASSERT_EQ(
      ::setsockopt(peer.line(0).socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &later, sizeof later), 0);
  Call& it = call();
  run_until([&] { return peer.requests(0) == 2; });
  peer.close(0, Socket::Close::reset);
  run_until([&] { return it.done || peer.lines() == 2; });
  EXPECT_EQ(peer.lines(), 1u);
  ASSERT_TRUE(it.failure);
  EXPECT_EQ(it.failure->reached, Reached::request_sent);
  EXPECT_EQ(client().stats().replaced_stale, 0u);
}

TEST_F(HttpClientTest, warm_opens_connections_ahead_of_use) {
  loop.spawn(client().warm(origin(), 3));
  run_until([&] { return peer.lines() == 3 && client().stats().idle == 3; });
  Call& it = call();
  run_until([&] { return peer.requests() == 1; });
  EXPECT_EQ(client().stats().connects, 3u);
  peer.say(2, kOk);
  run_until([&] { return it.done; });
  EXPECT_TRUE(it.sound());
}

TEST_F(HttpClientTest, shut_down_closes_idle_refuses_new_and_lets_the_rest_finish) {
  options.max_connections = 2;
  Call& under_way = call();
  Call& soon_idle = call();
  Call& waiting = call();
  run_until([&] { return peer.requests() == 2; });
  client().shut_down();
  run_until([&] { return waiting.done; });
  EXPECT_EQ(waiting.failure->failure.fault, Fault::cancelled);
  Call& late = call();
  ASSERT_TRUE(late.done);
  EXPECT_EQ(late.failure->failure.fault, Fault::cancelled);
  peer.say(0, kOk);
  peer.say(1, kOk);
  run_until([&] { return under_way.done && soon_idle.done; });
  EXPECT_TRUE(under_way.sound());
  EXPECT_EQ(client().stats().open, 0u);
}

}  // namespace
}  // namespace gantry::net
