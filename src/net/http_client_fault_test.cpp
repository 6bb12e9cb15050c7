// What a caller learns when a request fails, in every phase: the fault, and how far the request came.
#include <atomic>

#include "net/client_test_kit.hpp"
#include "net/dead_port.hpp"

namespace gantry::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct HttpClientFaultTest : ClientTest {
  static Origin origin_of(const DeadPort& dead) {
    return {.https = false, .host = "127.0.0.1", .port = dead.number()};
  }
  Call& call_to(const Origin& to, const std::function<void(Call&)>& with = {}) {
    Call& next = calls.emplace_back();
    if (with) with(next);
    loop.spawn(perform(client(), to, next));
    return next;
  }
  void expect_failure(const Call& it, Fault fault, Reached reached) {
    ASSERT_TRUE(it.done);
    ASSERT_TRUE(it.failure);
    EXPECT_EQ(it.failure->failure.fault, fault) << it.failure->failure.detail;
    EXPECT_EQ(it.failure->reached, reached) << it.failure->failure.detail;
  }
  // More than the two kernels' buffers hold, so that a send to a peer that does not read must wait.
  static std::string huge_body() { return std::string(32u << 20, 'x'); }
};

TEST_F(HttpClientFaultTest, refused_connection_has_sent_nothing) {
  peer.stop();
  settle();
  const Origin nobody{.https = false, .host = "127.0.0.1", .port = 1};
  Call& it = call_to(nobody);
  run_until([&] { return it.done; });
  expect_failure(it, Fault::refused, Reached::nothing_sent);
  EXPECT_EQ(client().stats().connect_failures, 1u);
  EXPECT_EQ(client().stats().open, 0u);
}

TEST_F(HttpClientFaultTest, name_without_address_has_sent_nothing) {
  Call& it = call_to({.https = false, .host = "nowhere.invalid", .port = 80});
  run_until([&] { return it.done; });
  expect_failure(it, Fault::unresolved, Reached::nothing_sent);
}

TEST_F(HttpClientFaultTest, connecting_ends_at_the_connect_deadline) {
  const DeadPort dead;
  Call& it = call_to(origin_of(dead), [&](Call& c) { c.deadlines.connect = time.mono() + seconds{5}; });
  settle();
  advance(milliseconds{4990});
  EXPECT_FALSE(it.done);
  advance(milliseconds{20});
  run_until([&] { return it.done; });
  expect_failure(it, Fault::timed_out, Reached::nothing_sent);
}

TEST_F(HttpClientFaultTest, connecting_can_be_cancelled) {
  const DeadPort dead;
  Call& it = call_to(origin_of(dead));
  settle();
  it.canceller.cancel();
  run_until([&] { return it.done; });
  expect_failure(it, Fault::cancelled, Reached::nothing_sent);
  EXPECT_EQ(client().stats().open, 0u);
}

TEST_F(HttpClientFaultTest, resolving_ends_at_its_deadline_and_can_be_cancelled) {
  const auto release = std::make_shared<std::atomic<bool>>(false);
  Resolver slow([release](const std::string&) -> Result<std::vector<std::string>> {
    release->wait(false);
    return fail(Fault::unresolved);
  });
  made.emplace(loop, options, slow, nullptr);
  const Origin named{.https = false, .host = "slow.invalid", .port = 80};
  Call& late = call_to(named, [&](Call& c) { c.deadlines.connect = time.mono() + seconds{5}; });
  Call& unwanted = call_to(named);
  unwanted.canceller.cancel();
  EXPECT_FALSE(unwanted.done) << "who cancels must not be re-entered";
  settle();
  expect_failure(unwanted, Fault::cancelled, Reached::nothing_sent);
  advance(seconds{6});
  expect_failure(late, Fault::timed_out, Reached::nothing_sent);
  *release = true;
  release->notify_all();
}

TEST_F(HttpClientFaultTest, sending_ends_at_the_head_deadline_or_when_cancelled) {
  peer.reading = false;
  Call& late = call([&](Call& c) {
    c.body = huge_body();
    c.deadlines.head = time.mono() + seconds{60};
  });
  Call& unwanted = call([&](Call& c) { c.body = huge_body(); });
  run_until([&] { return peer.lines() == 2; });
  settle();
  unwanted.canceller.cancel();
  run_until([&] { return unwanted.done; });
  expect_failure(unwanted, Fault::cancelled, Reached::request_sent);
  EXPECT_FALSE(late.done);
  advance(seconds{61});
  run_until([&] { return late.done; });
  expect_failure(late, Fault::timed_out, Reached::request_sent);
}

TEST_F(HttpClientFaultTest, reset_while_sending_may_have_been_seen) {
  peer.reading = false;
  Call& it = call([&](Call& c) { c.body = huge_body(); });
  run_until([&] { return peer.lines() == 1; });
  settle();
  peer.close(0, Socket::Close::reset);
  run_until([&] { return it.done; });
  expect_failure(it, Fault::reset, Reached::request_sent);
}

TEST_F(HttpClientFaultTest, answer_that_came_before_the_peer_refused_the_rest_is_delivered) {
  peer.reading = false;
  Call& it = call([&](Call& c) { c.body = huge_body(); });
  run_until([&] { return peer.lines() == 1; });
  settle();
  peer.say(0, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch");
  peer.close(0, Socket::Close::reset);
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.sound()) << it.failure->failure.detail;
  EXPECT_EQ(it.response->status(), 413);
  EXPECT_EQ(it.content, "much");
  EXPECT_EQ(client().stats().open, 0u);
}

// Each call below is stuck in its sending: the peer reads nothing, and what it says comes first.
struct EarlyAnswerTest : HttpClientFaultTest {
  Call& stuck_call() {
    peer.reading = false;
    Call& it = call([&](Call& c) { c.body = huge_body(); });
    run_until([&] { return peer.lines() == 1; });
    settle();
    return it;
  }
};

TEST_F(EarlyAnswerTest, ends_the_sending_and_is_delivered) {
  Call& it = stuck_call();
  peer.say(0, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo ");
  run_until([&] { return it.head; });
  EXPECT_EQ(it.response->status(), 413);
  peer.say(0, "much");
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.sound());
  EXPECT_EQ(it.content, "too much");
  EXPECT_EQ(client().stats().open, 0u) << "the rest of the request would be read as another one";
  peer.read(0);
  run_until([&] { return peer.line(0).ended; });
  EXPECT_LT(peer.line(0).received.size(), it.body.size());
}

TEST_F(EarlyAnswerTest, may_come_in_pieces) {
  Call& it = stuck_call();
  for (const char c : std::string_view("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")) {
    peer.say(0, {&c, 1});
    settle();
  }
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.sound());
  EXPECT_EQ(it.response->status(), 401);
  EXPECT_EQ(it.content, "no");
}

TEST_F(EarlyAnswerTest, that_is_interim_lets_the_request_go_on) {
  Call& it = stuck_call();
  peer.say(0, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Conti");
  settle();
  EXPECT_FALSE(it.done);
  peer.read(0);
  run_until([&] { return peer.line(0).received.size() > it.body.size(); });
  settle();
  EXPECT_TRUE(peer.line(0).received.ends_with(it.body));
  peer.say(0, "nue\r\n\r\n" + std::string(kOk));
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.sound());
  EXPECT_EQ(it.content, "ok");
  EXPECT_EQ(client().stats().idle, 1u);
}

TEST_F(EarlyAnswerTest, that_is_no_http_is_told) {
  Call& it = stuck_call();
  peer.say(0, "SSH-2.0-x\r\n\r\n");
  run_until([&] { return it.done; });
  expect_failure(it, Fault::malformed, Reached::head_received);
}

TEST_F(EarlyAnswerTest, whose_head_is_too_large_is_told) {
  options.max_head_bytes = 4096;
  Call& it = stuck_call();
  peer.say(0, "HTTP/1.1 413 Content Too Large\r\nX: " + std::string(100'000, 'x'));
  run_until([&] { return it.done; });
  expect_failure(it, Fault::too_large, Reached::head_received);
}

TEST_F(EarlyAnswerTest, that_never_comes_from_a_peer_that_closed_is_a_failure_at_once) {
  Call& it = stuck_call();
  ::shutdown(peer.line(0).socket.native_handle(), SHUT_WR);
  run_until([&] { return it.done; });
  expect_failure(it, Fault::closed, Reached::request_sent);
}

TEST_F(EarlyAnswerTest, whose_rest_is_cut_is_no_sound_answer) {
  Call& it = stuck_call();
  peer.say(0, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo ");
  peer.close(0, Socket::Close::reset);
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.body_failure);
  EXPECT_EQ(it.response->status(), 413);
}

struct EndCase {
  std::string_view name, said;
  Socket::Close how;
  Fault fault;
};
TEST_F(HttpClientFaultTest, connection_that_ends_before_the_head_is_whole_was_sent_and_is_told) {
  const std::vector<EndCase> cases = {
      {"orderly, nothing said", "", Socket::Close::orderly, Fault::closed},
      {"reset, nothing said", "", Socket::Close::reset, Fault::reset},
      {"orderly, within the status line", "HTTP/1.1 2", Socket::Close::orderly, Fault::closed},
      {"orderly, before the empty line", "HTTP/1.1 200 OK\r\nA: b\r\n", Socket::Close::orderly,
       Fault::closed},
      {"orderly, after an interim response", "HTTP/1.1 100 Continue\r\n\r\n", Socket::Close::orderly,
       Fault::closed},
  };
  std::size_t line = 0;
  for (const auto& [name, said, how, fault] : cases) {
    SCOPED_TRACE(name);
    Call& it = call();
    run_until([&] { return peer.lines() == line + 1 && peer.requests(line) == 1; });
    if (!said.empty()) peer.say(line, said);
    settle();
    peer.close(line++, how);
    run_until([&] { return it.done; });
    expect_failure(it, fault, Reached::request_sent);
  }
}

TEST_F(HttpClientFaultTest, waiting_for_the_head_ends_at_its_deadline_and_closes_the_connection) {
  Call& it = call([&](Call& c) { c.deadlines.head = time.mono() + seconds{60}; });
  run_until([&] { return peer.requests() == 1; });
  peer.say(0, "HTTP/1.1 200 OK\r\n");
  settle();
  advance(seconds{61});
  run_until([&] { return it.done && peer.line(0).ended; });
  expect_failure(it, Fault::timed_out, Reached::request_sent);
}

TEST_F(HttpClientFaultTest, waiting_for_the_head_can_be_cancelled) {
  Call& it = call();
  run_until([&] { return peer.requests() == 1; });
  it.canceller.cancel();
  EXPECT_FALSE(it.done) << "who cancels must not be re-entered";
  run_until([&] { return it.done && peer.line(0).ended; });
  expect_failure(it, Fault::cancelled, Reached::request_sent);
}

TEST_F(HttpClientFaultTest, cancelled_before_it_began_sends_nothing) {
  Call& it = call([](Call& c) { c.canceller.cancel(); });
  ASSERT_TRUE(it.done);
  expect_failure(it, Fault::cancelled, Reached::nothing_sent);
  settle();
  EXPECT_EQ(peer.lines(), 0u);
}

TEST_F(HttpClientFaultTest, read_that_timed_out_lost_nothing) {
  Call& it = call([&](Call& c) { c.read_deadline = time.mono() + seconds{30}; });
  run_until([&] { return peer.requests() == 1; });
  peer.say(0, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
  settle();
  advance(seconds{31});
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.body_failure);
  EXPECT_EQ(it.body_failure->fault, Fault::timed_out);
  peer.say(0, "def");
  it.body_failure.reset();
  it.read_deadline = kNever;
  loop.spawn(read(it));
  run_until([&] { return it.content == "abcdef"; });
  EXPECT_EQ(client().stats().idle, 1u);
}

TEST_F(HttpClientFaultTest, read_can_be_cancelled_by_both_means) {
  for (const bool by_response : {true, false}) {
    Call& it = call();
    const std::size_t line = by_response ? 0 : 1;
    run_until([&] { return peer.lines() == line + 1 && peer.requests(line) == 1; });
    peer.say(line, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    run_until([&] { return it.content == "abc"; });
    by_response ? it.response->cancel() : it.canceller.cancel();
    run_until([&] { return it.done; });
    ASSERT_TRUE(it.body_failure);
    EXPECT_EQ(it.body_failure->fault, Fault::cancelled);
    it.response.reset();
    run_until([&] { return peer.line(line).ended; });
  }
}

TEST_F(HttpClientFaultTest, response_dropped_before_its_end_closes_the_connection_at_once) {
  Call& it = call([](Call& c) { c.read_body = false; });
  run_until([&] { return peer.requests() == 1; });
  peer.say(0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  run_until([&] { return it.done; });
  it.response.reset();
  EXPECT_EQ(client().stats().open, 0u);
  run_until([&] { return peer.line(0).ended; });
}

}  // namespace
}  // namespace gantry::net
