// The simulator behind a real port: threads, sockets, hang-ups.
#include "sim/serve.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace gantry::sim {
namespace {

// A blocking client of a few lines; the kernel's own timeouts bound every wait.
class Client {
 public:
  explicit Client(unsigned short port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~Client() { close(); }
  Client(const Client&) = delete;

  void send(const std::string& text) const {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  void post(const std::string& body, const std::string& faults = "") const {
    send(
        "POST /api/v1/chat/completions HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer "
        "sk-or-v1-test\r\nx-sim-fault: " +
        faults + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  // Reads until `end` is seen or the connection ends.
  std::string read_until(const std::string& end) const {
    std::string got;
    char buffer[4096];
    while (got.find(end) == std::string::npos) {
      const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      got.append(buffer, static_cast<std::size_t>(n));
    }
    return got;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  bool connected = false;

 private:
  int fd_;
};

const std::string kStream =
    R"({"model":"sim/plain","stream":true,"messages":[{"role":"user","content":"hello"}]})";

std::unique_ptr<SimServer> serve(const TimeSource& time, int threads) {
  auto server = SimServer::start(time, {.threads = threads});
  if (!server) throw std::runtime_error(server.error().detail);
  return std::move(*server);
}

// Waits on a condition, not on a time: gives up only after a minute.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 60'000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  return condition();
}

TEST(SimServer, streams_over_a_socket) {
  const SystemTime time;
  const auto server = serve(time, 1);
  EXPECT_NE(server->port(), 0);
  EXPECT_EQ(server->base_url(), "http://127.0.0.1:" + std::to_string(server->port()) + "/api/v1");
  const Client client(server->port());
  client.post(kStream);
  const auto got = client.read_until("data: [DONE]");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200"));
  EXPECT_NE(got.find("x-gantry-simulated: 1"), std::string::npos);
  EXPECT_NE(got.find("data: [DONE]"), std::string::npos);
}

TEST(SimServer, keeps_a_connection_for_the_next_call) {
  const SystemTime time;
  const auto server = serve(time, 1);
  const Client client(server->port());
  for (int i = 0; i < 3; ++i) {
    client.post(kStream);
    EXPECT_NE(client.read_until("0\r\n\r\n").find("[DONE]"), std::string::npos) << i;
  }
}

TEST(SimServer, notices_a_client_that_hangs_up) {
  const SystemTime time;
  const auto server = serve(time, 1);
  Client client(server->port());
  client.post(kStream, "stall-mid;after=1");
  EXPECT_NE(client.read_until("\"content\"").find("\"content\""), std::string::npos);
  client.close();
  EXPECT_TRUE(eventually([&] { return server->simulator().attempts().at(0).cancelled; }));
}

TEST(SimServer, cuts_a_stream_in_the_middle) {
  const SystemTime time;
  const auto server = serve(time, 1);
  const Client client(server->port());
  client.post(kStream, "close-after;after=1");
  const auto got = client.read_until("0\r\n\r\n");
  EXPECT_NE(got.find("\"content\""), std::string::npos);
  EXPECT_EQ(got.find("[DONE]"), std::string::npos);
  EXPECT_FALSE(got.ends_with("0\r\n\r\n")) << "no clean end";
}

TEST(SimServer, shards_share_one_state) {
  const SystemTime time;
  const auto server = serve(time, 2);
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const Client client(server->port());
        client.post(kStream);
        EXPECT_NE(client.read_until("[DONE]").find("[DONE]"), std::string::npos);
      }
    });
  }
  for (auto& c : clients) c.join();
  EXPECT_EQ(server->simulator().attempts().size(), 100u);
}

TEST(SimServer, stops_with_streams_open) {
  const SystemTime time;
  auto server = serve(time, 2);
  const Client client(server->port());
  client.post(kStream, "stall-mid;after=1");
  EXPECT_NE(client.read_until("\"content\"").find("\"content\""), std::string::npos);
  server->stop();
  server->stop();
  EXPECT_EQ(client.read_until("[DONE]").find("[DONE]"), std::string::npos);
}

TEST(SimServer, says_why_it_cannot_start) {
  const SystemTime time;
  const auto first = serve(time, 1);
  const auto second = SimServer::start(time, {.port = first->port()});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().detail.find(std::to_string(first->port())), std::string::npos)
      << second.error().detail;
}

}  // namespace
}  // namespace gantry::sim
