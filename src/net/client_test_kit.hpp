#pragma once
// A scripted peer and calls against it, all on one loop in manual time. For tests only.

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/http_client.hpp"
#include "net/resolver.hpp"

namespace gantry::net {

/// Accepts and reads by itself; what it says, and when, is up to the test. Bytes go out raw.
class Peer {
 public:
  struct Line {
    Socket socket;
    std::string received;
    bool ended = false;  ///< the client closed or reset
  };

  explicit Peer(Loop& loop) : loop_(loop) { loop_.spawn(accept_all(*this)); }

  [[nodiscard]] unsigned short port() const { return acceptor_.local().port; }
  [[nodiscard]] std::size_t lines() const { return lines_.size(); }
  Line& line(std::size_t index) { return *lines_.at(index); }
  /// How many requests (their heads) have come on a connection, or on all.
  std::size_t requests(std::size_t index) { return count(line(index).received); }
  std::size_t requests() {
    std::size_t sum = 0;
    for (const auto& line : lines_) sum += count(line->received);
    return sum;
  }
  void say(std::size_t index, std::string_view bytes) {
    const auto sent = ::send(line(index).socket.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_EQ(sent, static_cast<ssize_t>(bytes.size()));
  }
  void close(std::size_t index, Socket::Close how = Socket::Close::orderly) { line(index).socket.close(how); }
  void stop() {
    acceptor_.close();
    for (const auto& line : lines_) line->socket.close();
  }
  bool reading = true;  ///< for connections that come from now on
  /// One that was not read from is read from now on.
  void read(std::size_t index) { loop_.spawn(read_all(line(index))); }

 private:
  static std::size_t count(std::string_view text) {
    std::size_t n = 0;
    for (auto at = text.find("\r\n\r\n"); at != text.npos; at = text.find("\r\n\r\n", at + 4)) ++n;
    return n;
  }
  static Task<void> accept_all(Peer& self) {
    for (;;) {
      auto accepted = co_await self.acceptor_.accept();
      if (!accepted) co_return;
      self.lines_.push_back(std::make_unique<Line>());
      self.lines_.back()->socket = std::move(*accepted);
      if (self.reading) self.loop_.spawn(read_all(*self.lines_.back()));
    }
  }
  static Task<void> read_all(Line& line) {
    std::array<char, 4096> buffer;
    for (;;) {
      const IoResult got = co_await line.socket.read_some(buffer, kNever);
      if (!got.ok) {
        line.ended = true;
        co_return;
      }
      line.received.append(buffer.data(), got.bytes);
    }
  }

  Loop& loop_;
  Acceptor acceptor_ = *Acceptor::listen(loop_, {.address = "127.0.0.1", .port = 0}, Acceptor::Share::no);
  std::vector<std::unique_ptr<Line>> lines_;
};

/// One request and how it went.
struct Call {
  std::string method = "POST", path = "/api/v1/chat/completions", body;
  std::vector<Header> headers;
  ClientDeadlines deadlines;
  MonoTime read_deadline = kNever;
  bool read_body = true;
  Canceller canceller;
  std::function<void()> at_end;  ///< runs before anything else of the loop does

  bool head = false;  ///< the response head has come
  bool done = false;
  std::optional<ClientResponse> response;
  std::optional<ClientFailure> failure;
  std::string content;
  std::optional<Failure> body_failure;
  std::size_t pieces = 0;

  [[nodiscard]] bool sound() const { return done && !failure && !body_failure; }
};

struct ClientTest : testing::Test {
  ManualTime time;
  Loop loop{time};
  Peer peer{loop};
  Resolver resolver{[](const std::string& host) -> Result<std::vector<std::string>> {
    return fail(Fault::unresolved, host + ": no names in this test");
  }};
  ClientOptions options;
  std::optional<HttpClient> made;
  std::deque<Call> calls;

  HttpClient& client() {
    if (!made) made.emplace(loop, options, resolver, nullptr);
    return *made;
  }
  Origin origin() { return {.https = false, .host = "127.0.0.1", .port = peer.port()}; }

  Call& call(const std::function<void(Call&)>& with = {}) {
    Call& next = calls.emplace_back();
    if (with) with(next);
    loop.spawn(perform(client(), origin(), next));
    return next;
  }
  static Task<void> perform(HttpClient& client, Origin origin, Call& call) {
    const std::array<std::string_view, 1> body{call.body};
    const ClientRequest request{call.method, call.path, call.headers, body};
    auto response = co_await client.send(origin, request, call.deadlines, &call.canceller);
    if (!response) {
      call.failure = response.error();
    } else {
      call.response = std::move(*response);
      call.head = true;
      if (call.read_body) co_await read(call);
    }
    call.done = true;
    if (call.at_end) call.at_end();
  }
  static Task<void> read(Call& call) {
    for (;;) {
      const auto piece = co_await call.response->read(call.read_deadline);
      if (!piece) {
        call.body_failure = piece.error();
        co_return;
      }
      if (piece->empty()) co_return;
      call.content += *piece;
      ++call.pieces;
    }
  }

  template <class Done>
  void run_until(Done done) {
    for (int i = 0; i < 200'000 && !done(); ++i) loop.poll();
    ASSERT_TRUE(done());
  }
  /// Everything that can happen without time passing or the peer acting.
  void settle() {
    for (int i = 0; i < 20; ++i) loop.poll();
  }
  void advance(Duration by) {
    time.advance(by);
    loop.advance_timers();
    settle();
  }
  /// A call that the peer answers on connection `line` at once.
  Call& answered(std::size_t line, std::string_view reply) {
    const std::size_t before = line < peer.lines() ? peer.requests(line) : 0;
    Call& next = call();
    run_until([&] { return line < peer.lines() && peer.requests(line) > before; });
    peer.say(line, reply);
    run_until([&] { return next.done; });
    return next;
  }

  void TearDown() override {
    for (Call& each : calls) each.canceller.cancel();
    settle();
    calls.clear();
    peer.stop();
    run_until([this] { return loop.running_tasks() == 0; });
    made.reset();
  }
};

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace gantry::net
