#pragma once
// A real HttpServer on a loopback port, in manual time, and raw clients that say whatever a test wants said.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "net/http_server.hpp"

namespace gantry::net {

/// A client of plain system calls. It never waits: the fixture turns the loop between its reads.
class RawClient {
 public:
  explicit RawClient(unsigned short port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  RawClient(const RawClient&) = delete;
  ~RawClient() { close(); }

  void send(std::string_view bytes) { to_send_ += bytes; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  enum class Read { yes, no };
  /// Moves bytes both ways as far as they go now.
  void turn(Read read = Read::yes) {
    while (!to_send_.empty()) {
      const ssize_t n = ::send(fd_, to_send_.data(), to_send_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n <= 0) break;
      to_send_.erase(0, static_cast<std::size_t>(n));
    }
    char bytes[65536];
    while (read == Read::yes && !ended && fd_ >= 0) {
      const ssize_t n = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (n <= 0) ended = true, was_reset = n < 0;
      if (n > 0) got.append(bytes, static_cast<std::size_t>(n));
    }
  }
  [[nodiscard]] bool sent() const { return to_send_.empty(); }

  std::string got;
  bool ended = false;
  bool was_reset = false;

 private:
  int fd_;
  std::string to_send_;
};

struct HttpServerTest : testing::Test {
  ManualTime time;
  Loop loop{time};
  ServerOptions options;
  std::unique_ptr<HttpServer> server;
  unsigned short port = 0;

  // What the handlers saw.
  std::vector<std::string> seen;
  int hang_ups = 0;

  static std::string refusal(int status, const Failure& why) {
    return R"({"status":)" + std::to_string(status) + R"(,"why":")" + why.detail + R"("})";
  }

  void start(Handler handler) {
    auto acceptor = Acceptor::listen(loop, {.address = "127.0.0.1", .port = 0}, Acceptor::Share::no);
    ASSERT_TRUE(acceptor) << acceptor.error().detail;
    port = acceptor->local().port;
    server = std::make_unique<HttpServer>(loop, options, std::move(handler), &refusal);
    server->serve(std::move(*acceptor));
  }
  /// Answers every request with "METHOD target body".
  void start_echo() {
    start([this](Exchange& exchange) { return echo(exchange, *this); });
  }
  static Task<void> echo(Exchange& exchange, HttpServerTest& test) {
    const auto body = co_await exchange.read_body();
    if (!body) co_return;
    const RequestHead& head = exchange.head();
    const std::string text =
        std::string(head.method) + " " + std::string(head.target) + " " + std::string(*body);
    test.seen.push_back(text);
    const Header type{"Content-Type", "text/plain"};
    const auto sent = co_await exchange.reply(200, {&type, 1}, text);
    (void)sent;
  }

  void TearDown() override {
    server.reset();
    pass([this] { return loop.running_tasks() == 0; });
    EXPECT_EQ(loop.running_tasks(), 0u);
  }

  /// Turns the loop and the clients until `done`.
  template <class Done>
  bool pass(Done done, std::vector<RawClient*> clients = {}) {
    for (int i = 0; i < 100'000; ++i) {
      if (done()) return true;
      for (RawClient* client : clients) client->turn();
      loop.poll();
    }
    return done();
  }
  /// Lets everything happen that can happen at this moment.
  void settle(std::vector<RawClient*> clients = {}) {
    int turns = 0;
    pass([&] { return ++turns > 200; }, std::move(clients));
  }
  void advance(Duration by, std::vector<RawClient*> clients = {}) {
    time.advance(by);
    loop.advance_timers();
    settle(std::move(clients));
  }
  std::string ask(RawClient& client, std::string_view bytes, std::string_view until) {
    client.send(bytes);
    EXPECT_TRUE(pass([&] { return client.got.find(until) != std::string::npos || client.ended; }, {&client}));
    return client.got;
  }
};

inline std::string get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(more) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}
inline std::string body_of(std::string_view reply) {
  const auto end = reply.find("\r\n\r\n");
  return end == reply.npos ? "" : std::string(reply.substr(end + 4));
}
inline int count_of(std::string_view text, std::string_view what) {
  int count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

}  // namespace gantry::net
