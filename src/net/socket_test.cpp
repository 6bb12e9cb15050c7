#include "net/socket.hpp"

#include <gmock/gmock.h>

#include <array>
#include <string>

namespace gantry::net {
namespace {

using std::chrono::seconds;

// Two ends of a loopback connection on one loop, in manual time.
struct SocketTest : testing::Test {
  ManualTime time;
  Loop loop{time};
  Acceptor acceptor = *Acceptor::listen(loop, {.address = "127.0.0.1", .port = 0}, Acceptor::Share::no);
  Socket client, server;

  void SetUp() override {
    loop.spawn(connect_both(*this));
    run_until([this] { return client.is_open() && server.is_open(); });
  }
  void TearDown() override {
    client.close();
    server.close();
    acceptor.close();
    run_until([this] { return loop.running_tasks() == 0; });
  }
  static Task<void> connect_both(SocketTest& self) {
    self.loop.spawn(accept_one(self));
    auto connected = co_await Socket::connect(self.loop, self.acceptor.local(), kNever);
    if (connected) self.client = std::move(*connected);
  }
  static Task<void> accept_one(SocketTest& self) {
    auto accepted = co_await self.acceptor.accept();
    if (accepted) self.server = std::move(*accepted);
  }
  template <class Done>
  void run_until(Done done) {
    for (int i = 0; i < 200'000 && !done(); ++i) loop.poll();
    ASSERT_TRUE(done());
  }
  struct Got {
    bool done = false;
    IoResult result;
  };
  static Task<void> read(Socket& from, std::span<char> into, MonoTime deadline, Got& got) {
    got.result = co_await from.read_some(into, deadline);
    got.done = true;
  }
  static Task<void> write(Socket& to, std::string text, MonoTime deadline, Got& got) {
    const std::array<std::string_view, 3> parts{std::string_view(text).substr(0, 1), "",
                                                std::string_view(text).substr(1)};
    got.result = co_await to.write_all(parts, deadline);
    got.done = true;
  }
};

TEST_F(SocketTest, bytes_go_both_ways_and_an_orderly_end_is_seen) {
  Got wrote, got;
  std::array<char, 64> buffer{};
  loop.spawn(write(client, "hello", kNever, wrote));
  loop.spawn(read(server, buffer, kNever, got));
  run_until([&] { return got.done; });
  EXPECT_EQ(wrote.result.bytes, 5u);
  EXPECT_EQ(std::string_view(buffer.data(), got.result.bytes), "hello");
  client.close();
  got = {};
  loop.spawn(read(server, buffer, kNever, got));
  run_until([&] { return got.done; });
  EXPECT_FALSE(got.result.ok);
  EXPECT_EQ(got.result.fault, Fault::closed);
}

TEST_F(SocketTest, a_read_ends_at_its_deadline_and_can_go_on_after_it) {
  Got got;
  std::array<char, 8> buffer{};
  loop.spawn(read(server, buffer, time.mono() + seconds{5}, got));
  loop.poll();
  time.advance(seconds{4});
  loop.advance_timers();
  loop.poll();
  EXPECT_FALSE(got.done);
  time.advance(seconds{1});
  loop.advance_timers();
  run_until([&] { return got.done; });
  EXPECT_EQ(got.result.fault, Fault::timed_out);
  Got wrote, again;
  loop.spawn(read(server, buffer, kNever, again));
  loop.spawn(write(client, "late", kNever, wrote));
  run_until([&] { return again.done; });
  EXPECT_EQ(again.result.bytes, 4u);
}

TEST_F(SocketTest, cancel_ends_a_waiting_read_and_leaves_the_socket_usable) {
  Got got;
  std::array<char, 8> buffer{};
  loop.spawn(read(server, buffer, kNever, got));
  loop.poll();
  server.cancel();
  run_until([&] { return got.done; });
  EXPECT_EQ(got.result.fault, Fault::cancelled);
  EXPECT_TRUE(server.is_open());
}

TEST_F(SocketTest, waiting_without_a_buffer_reports_that_something_can_be_read) {
  Got got, wrote;
  loop.spawn(read(server, {}, kNever, got));
  loop.poll();
  EXPECT_FALSE(got.done);
  loop.spawn(write(client, "x", kNever, wrote));
  run_until([&] { return got.done; });
  EXPECT_TRUE(got.result.ok);
  std::array<char, 8> buffer{};
  EXPECT_EQ(server.try_read(buffer).bytes, 1u);
  EXPECT_EQ(server.try_read(buffer).bytes, 0u);
}

TEST_F(SocketTest, a_slow_reader_makes_a_big_write_wait_until_its_deadline) {
  Got wrote;
  loop.spawn(write(client, std::string(32 << 20, 'x'), time.mono() + seconds{30}, wrote));
  loop.poll();
  EXPECT_FALSE(wrote.done);
  time.advance(seconds{30});
  loop.advance_timers();
  run_until([&] { return wrote.done; });
  EXPECT_EQ(wrote.result.fault, Fault::timed_out);
  EXPECT_GT(wrote.result.bytes, 0u);
}

TEST_F(SocketTest, a_timed_out_write_does_not_end_the_read_beside_it) {
  Got wrote, got, answered;
  std::array<char, 8> buffer{};
  loop.spawn(read(client, buffer, kNever, got));
  loop.spawn(write(client, std::string(32 << 20, 'x'), time.mono() + seconds{1}, wrote));
  loop.poll();
  time.advance(seconds{1});
  loop.advance_timers();
  run_until([&] { return wrote.done; });
  EXPECT_FALSE(got.done);
  loop.spawn(write(server, "still here", kNever, answered));
  run_until([&] { return got.done; });
  EXPECT_EQ(got.result.bytes, 8u);
}

TEST_F(SocketTest, a_watch_tells_once_of_bytes_or_the_end) {
  struct Seen {
    int times = 0;
    IoResult result;
  } seen;
  std::array<char, 8> buffer{};
  const auto note = [](void* context, IoResult result) {
    auto& it = *static_cast<Seen*>(context);
    ++it.times;
    it.result = result;
  };
  server.watch(buffer, note, &seen);
  EXPECT_TRUE(server.watching());
  client.close(Socket::Close::reset);
  run_until([&] { return seen.times > 0; });
  EXPECT_EQ(seen.times, 1);
  EXPECT_FALSE(seen.result.ok);
  EXPECT_EQ(seen.result.fault, Fault::reset);
  EXPECT_FALSE(server.watching());
}

TEST_F(SocketTest, a_peer_that_never_pauses_does_not_keep_the_loop_to_itself) {
  Got wrote;
  loop.spawn(write(client, std::string(1 << 20, 'x'), kNever, wrote));
  struct Reader {
    static Task<void> drain(Socket& from, std::size_t& total) {
      char byte[64];
      while (true) {
        const IoResult got = co_await from.read_some(byte, kNever);
        if (!got.ok) co_return;
        total += got.bytes;
      }
    }
  };
  std::size_t total = 0, when_posted_ran = 0;
  loop.spawn(Reader::drain(server, total));
  loop.post([&] { when_posted_ran = total; });
  run_until([&] { return wrote.done && total == 1 << 20; });
  EXPECT_LT(when_posted_ran, 1u << 20);
}

TEST_F(SocketTest, an_end_that_comes_with_the_last_bytes_is_still_seen) {
  Got wrote, got;
  loop.spawn(write(client, "bye", kNever, wrote));
  client.close();
  std::array<char, 64> buffer{};
  loop.spawn(read(server, buffer, kNever, got));
  run_until([&] { return got.done; });
  EXPECT_EQ(got.result.bytes, 3u);
  got = {};
  loop.spawn(read(server, buffer, kNever, got));
  run_until([&] { return got.done; });
  EXPECT_EQ(got.result.fault, Fault::closed);
}

TEST_F(SocketTest, destroying_a_watched_socket_is_safe) {
  std::array<char, 8> buffer{};
  server.watch(buffer, [](void*, IoResult) { FAIL() << "the watch outlived its socket"; }, nullptr);
  server = Socket();
  for (int i = 0; i < 100; ++i) loop.poll();
}

TEST_F(SocketTest, still_idle_sees_bytes_and_ends) {
  EXPECT_TRUE(server.still_idle());
  Got wrote;
  loop.spawn(write(client, "x", kNever, wrote));
  run_until([&] { return !server.still_idle(); });
}

TEST_F(SocketTest, a_port_nobody_listens_on_is_refused) {
  Endpoint nowhere = acceptor.local();
  acceptor.close();
  struct Outcome {
    bool done = false;
    Result<Socket> socket = fail(Fault::internal);
  } outcome;
  const auto attempt = [](Loop& loop, Endpoint to, Outcome& out) -> Task<void> {
    out.socket = co_await Socket::connect(loop, to, kNever);
    out.done = true;
  };
  loop.spawn(attempt(loop, nowhere, outcome));
  run_until([&] { return outcome.done; });
  ASSERT_FALSE(outcome.socket);
  EXPECT_EQ(outcome.socket.error().fault, Fault::refused);
}

}  // namespace
}  // namespace gantry::net
