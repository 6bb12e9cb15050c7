// The process's threads together: what one asks of the others, and what is left when they stop.
#include "gateway/runtime.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "sim/serve.hpp"

namespace gantry::gateway {
namespace {

using testing::HasSubstr;

// One request on a connection of its own, read to its end.
std::string ask(unsigned short port, const std::string& request) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string reply;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    (void)::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    char bytes[4096];
    for (ssize_t got = 0; (got = ::read(fd, bytes, sizeof bytes)) > 0;)
      reply.append(bytes, static_cast<std::size_t>(got));
  }
  ::close(fd);
  return reply;
}

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
}

std::string post(const std::string& body) {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Connection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chat() {
  return post(R"({"model":"openai/gpt-4.1","messages":[{"role":"user","content":"Hello"}]})");
}

struct RuntimeTest : testing::Test {
  SystemTime time;
  std::unique_ptr<sim::SimServer> simulator;
  std::unique_ptr<Runtime> runtime;

  void SetUp() override {
    auto started = sim::SimServer::start(time, {});
    ASSERT_TRUE(started);
    simulator = std::move(*started);
    serve(simulator->base_url());
  }
  void serve(const std::string& base_url) {
    auto made = Runtime::create(config_for(base_url), true, time, nullptr);
    ASSERT_TRUE(made);
    runtime = std::move(*made);
    runtime->start();
  }
  static config::Snapshot config_for(const std::string& base_url) {
    auto config = std::make_shared<config::Config>();
    config->server.listen_port = 0;
    config->server.threads = 3;
    config->server.drain_delay = Duration::zero();
    config->upstream.base_url = base_url;
    config->upstream.keys = {{.secret = Secret("sk-or-v1-0000000000000000")}};
    config::Route& route = config->routes["default"];
    route.name = "default";
    route.models = config::kDefaultChain;
    return config;
  }
  void TearDown() override {
    runtime.reset();
    simulator.reset();
  }
  unsigned short port() { return runtime->local().port; }
};

TEST_F(RuntimeTest, is_counted_while_every_thread_works) {
  std::atomic<bool> enough{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i)
    clients.emplace_back([&] {
      while (!enough) EXPECT_THAT(ask(port(), chat()), HasSubstr("200 OK"));
    });
  for (int i = 0; i < 100; ++i) {
    const auto page = ask(port(), get("/metrics"));
    EXPECT_THAT(page, HasSubstr("200 OK"));
    EXPECT_THAT(page, testing::Not(HasSubstr("gantry_client_connections 0\n"))) << "the one that asks counts";
  }
  enough = true;
  for (auto& client : clients) client.join();
}

TEST_F(RuntimeTest, drains_under_scrapes_and_answers_what_is_under_way) {
  std::promise<void> drained;
  std::thread scraper([&] {
    while (!ask(port(), get("/metrics")).empty()) {
    }
  });
  EXPECT_THAT(ask(port(), chat()), HasSubstr("200 OK"));
  runtime->drain([&] { drained.set_value(); });
  drained.get_future().wait();
  runtime->stop();
  scraper.join();
}

// The value of a header, or of a member of the first JSON object that has it.
std::string after(const std::string& text, const std::string& label, const std::string& end) {
  const auto at = text.find(label);
  if (at == text.npos) return {};
  const auto from = at + label.size();
  return text.substr(from, text.find(end, from) - from);
}

TEST_F(RuntimeTest, names_no_other_generation_than_the_one_that_was_delivered) {
  auto config = std::make_shared<config::Config>(*config_for(simulator->base_url()));
  auto& route = config->routes["default"];
  route.models = {"sim/stall-first",
                  "openai/gpt-4.1"};  // the client has its 200 long before the first gives up
  route.patience = std::chrono::milliseconds{1};
  route.timeouts.first_token = std::chrono::milliseconds{100};
  ASSERT_TRUE(runtime->configure(config));
  const auto reply = ask(port(), post(R"({"stream":true,"messages":[{"role":"user","content":"Hello"}]})"));
  const auto in_body = after(reply, "\"id\":\"", "\"");
  EXPECT_THAT(reply, HasSubstr("[DONE]"));
  EXPECT_THAT(in_body, testing::StartsWith("gen-"));
  EXPECT_THAT(after(reply, "X-Generation-Id: ", "\r\n"), testing::AnyOf("", in_body)) << reply;
}

TEST_F(RuntimeTest, keeps_its_configuration_when_the_new_ones_authorities_cannot_be_read) {
  auto config = std::make_shared<config::Config>(*config_for("HTTPS://openrouter.invalid/api/v1"));
  config->upstream.ca_file = "/nonexistent/authorities.pem";
  EXPECT_FALSE(runtime->configure(config));
  EXPECT_THAT(ask(port(), chat()), HasSubstr("200 OK"));
}

TEST_F(RuntimeTest, goes_on_to_an_upstream_with_tls_by_a_reload) {
  ASSERT_TRUE(runtime->configure(config_for("HTTPS://127.0.0.1:1/api/v1")));
  while (ask(port(), chat()).contains("200 OK")) {
  }
  ASSERT_TRUE(runtime->configure(config_for(simulator->base_url())));
  while (!ask(port(), chat()).contains("200 OK")) {
  }
}

// A listener that accepts nothing: the kernel completes the connection, and no answer ever comes.
TEST_F(RuntimeTest, stops_while_requests_of_its_own_wait_for_upstream) {
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(silent, reinterpret_cast<const sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(silent, 16), 0);
  ASSERT_EQ(::getsockname(silent, reinterpret_cast<sockaddr*>(&at), &size), 0);
  runtime.reset();
  serve("http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/api/v1");

  std::promise<void> under_way;
  for (int i = 0; i < 2; ++i)
    runtime->run_on_first([](engine::Shard& shard) -> Task<void> {
      const auto never = co_await shard.ask("GET", "/key", {}, kNever);
      EXPECT_FALSE(never);
    });
  runtime->run_on_first([&](engine::Shard&) {
    under_way.set_value();
    return [](int) -> Task<void> { co_return; }(0);
  });
  under_way.get_future().wait();
  runtime->stop();
  ::close(silent);
}

}  // namespace
}  // namespace gantry::gateway
