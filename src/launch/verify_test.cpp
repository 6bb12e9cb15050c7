// The shell against a scripted upstream on the same loop.

#include "launch/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>

#include "net/http_server.hpp"
#include "net/resolver.hpp"

namespace gantry::launch {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Answer {
  int status = 200;
  std::string body;
};

// Answers by path, and by model for completions; notes what it was asked.
struct Upstream {
  std::map<std::string, Answer> by_path;
  std::map<std::string, std::deque<Answer>> by_model;
  std::vector<std::string> bodies, authorizations, titles, paths;
  std::string refused_authorization;

  static Task<void> handle(Upstream& self, net::Exchange& exchange) {
    const std::string path(exchange.head().path);
    self.paths.push_back(path);
    self.authorizations.emplace_back(exchange.head().headers.get("Authorization").value_or("-"));
    self.titles.emplace_back(exchange.head().headers.get("X-OpenRouter-Title").value_or("-"));
    Answer answer{404, R"({"error":{"code":404,"message":"no such path"}})"};
    if (const auto found = self.by_path.find(path); found != self.by_path.end()) answer = found->second;
    if (!path.ends_with("/models") && self.authorizations.back() == self.refused_authorization)
      answer.status = 401;
    if (path.ends_with("/chat/completions")) {
      auto body = co_await exchange.read_body();
      self.bodies.emplace_back(*body);
      for (auto& [model, answers] : self.by_model) {
        if (!body->contains('"' + model + '"')) continue;
        answer = answers.front();
        if (answers.size() > 1) answers.pop_front();
      }
    }
    const net::Header type{"Content-Type", "application/json"};
    const auto sent = co_await exchange.reply(answer.status, {&type, 1}, answer.body);
    EXPECT_TRUE(sent);
  }
};

constexpr const char* kAnswer =
    R"({"model":"","choices":[{"message":{"content":"x"},"finish_reason":"length"}],"usage":{"cost":0.000001}})";

struct Verifying : testing::Test {
  SystemTime time;
  net::Loop loop{time};
  net::Resolver resolver;
  Upstream upstream;
  net::HttpServer server{loop,
                         {},
                         [this](net::Exchange& exchange) { return Upstream::handle(upstream, exchange); },
                         [](int, const Failure&) { return std::string("{}"); }};
  config::Config config;
  std::optional<Report> report;

  Verifying() {
    auto acceptor =
        *net::Acceptor::listen(loop, {.address = "127.0.0.1", .port = 0}, net::Acceptor::Share::no);
    config.upstream.base_url = "http://127.0.0.1:" + std::to_string(acceptor.local().port) + "/api/v1";
    config.upstream.keys = {{.secret = Secret("sk-or-v1-test")}};
    server.serve(std::move(acceptor));
    config.routes["default"].models = {"a/one", "b/two"};
    config.routes["default"].attribution.title = "My App";
    upstream.by_path["/api/v1/models"] = {200, R"({"data":[{"id":"a/one"},{"id":"b/two"},{"id":"b/too"}]})"};
    upstream.by_path["/api/v1/key"] = {200, R"({"data":{"limit_remaining":50.5,"is_management_key":false}})"};
    upstream.by_model["a/one"] = {{200, kAnswer}};
    upstream.by_model["b/two"] = {{200, kAnswer}};
  }

  static Task<void> run(const engine::Targets& upstreams, Verifying& self, VerifyOptions options) {
    self.report = co_await verify(upstreams, self.loop, self.config, std::move(options));
    self.loop.stop();
  }
  const Report& verdict(VerifyOptions options = {}) {
    route::ScopeNames names{{}};
    engine::Upstreams upstreams(loop, resolver, nullptr);
    upstreams.configure(config, names);
    loop.spawn(run(*upstreams.targets(), *this, std::move(options)));
    loop.run();
    upstreams.shut_down();
    server.stop_accepting();
    server.close_all();
    for (int turns = 0; turns < 1000 && loop.running_tasks() > 0; ++turns) loop.poll();
    EXPECT_EQ(loop.running_tasks(), 0u);
    return *report;
  }
  std::vector<std::string> verdicts() const {
    std::vector<std::string> out;
    for (const auto& check : report->checks) out.push_back(check.id + " " + std::string(name(check.verdict)));
    return out;
  }
};

TEST_F(Verifying, a_sound_setup_passes_every_check) {
  EXPECT_TRUE(verdict().passed()) << table(*report);
  EXPECT_THAT(verdicts(),
              ElementsAre("api pass", "key pass", "primary pass", "fallback pass", "credit pass"));
  EXPECT_THAT(upstream.authorizations, testing::Each("Bearer sk-or-v1-test"));
  EXPECT_THAT(upstream.titles, Contains("My App"));
  EXPECT_THAT(upstream.bodies, testing::Each(HasSubstr("\"max_tokens\":5}")));
  EXPECT_EQ(to_decimal(*report->checks[2].cost), "0.000001");
}

TEST_F(Verifying, asks_again_with_16_tokens_where_5_are_refused) {
  upstream.by_model["a/one"] = {{400, R"({"error":{"code":400,"message":"max_tokens must be at least 16"}})"},
                                {200, kAnswer}};
  EXPECT_TRUE(verdict().passed()) << table(*report);
  EXPECT_THAT(upstream.bodies, Contains(HasSubstr("\"max_tokens\":16}")));
  EXPECT_EQ(upstream.bodies.size(), 3u);
}

TEST_F(Verifying, a_model_that_is_gone_is_named_with_its_relatives) {
  config.routes["default"].models[1] = "b/tow";
  upstream.by_model["b/tow"] = {{404, R"({"error":{"code":404,"message":"No endpoints found for b/tow."}})"}};
  EXPECT_FALSE(verdict().passed());
  EXPECT_THAT(verdicts(),
              ElementsAre("api pass", "key pass", "primary pass", "fallback fail", "credit pass"));
  EXPECT_THAT(report->checks[3].remedy, HasSubstr("b/too, b/two"));
}

TEST_F(Verifying, a_key_that_is_refused_buys_nothing) {
  upstream.by_path["/api/v1/key"] = {401, R"({"error":{"code":401,"message":"User not found."}})"};
  EXPECT_FALSE(verdict().passed());
  EXPECT_THAT(verdicts(),
              ElementsAre("api pass", "key fail", "primary skipped", "fallback skipped", "credit skipped"));
  EXPECT_THAT(upstream.bodies, IsEmpty());
}

TEST_F(Verifying, each_of_several_keys_has_its_lines_and_a_good_one_asks_the_models) {
  config.upstream.keys = {{.name = "old", .secret = Secret("sk-or-v1-old")},
                          {.name = "blue", .secret = Secret("sk-or-v1-blue")}};
  upstream.refused_authorization = "Bearer sk-or-v1-old";
  EXPECT_FALSE(verdict().passed());
  EXPECT_THAT(verdicts(), ElementsAre("api pass", "key fail", "key pass", "primary pass", "fallback pass",
                                      "credit skipped", "credit pass"));
  EXPECT_EQ(report->checks[1].title, "Key valid (old)");
  EXPECT_EQ(report->checks[6].title, "Credit left (blue)");
  EXPECT_FALSE(report->key_refused) << "the other one serves";
  EXPECT_EQ(std::ranges::count(upstream.authorizations, "Bearer sk-or-v1-blue"), 3) << "the key, two models";
}

TEST_F(Verifying, a_model_of_another_upstream_is_asked_there_by_its_name_there) {
  auto local = config.upstream;
  local.name = "local";
  local.base_url.replace(local.base_url.find("/api"), 4, "/local");
  local.keys.clear();
  config.upstreams = {local};
  config.routes["default"].models = {"a/one", "local:llama3.1:8b", "local:gone"};
  upstream.by_model["llama3.1:8b"] = {{200, kAnswer}};
  upstream.by_model["gone"] = {{404, R"({"error":{"message":"model 'gone' not found"}})"}};
  EXPECT_FALSE(verdict().passed());
  EXPECT_THAT(verdicts(), ElementsAre("api pass", "key pass", "primary pass", "fallback pass",
                                      "fallback fail", "credit pass"));
  EXPECT_EQ(report->checks[3].title, "Fallback local:llama3.1:8b");
  EXPECT_EQ(report->checks[4].remedy, "look at [upstreams.local], and whether it serves gone");
  EXPECT_THAT(upstream.paths, Contains("/local/v1/chat/completions").Times(2));
  EXPECT_EQ(std::ranges::count(upstream.authorizations, "-"), 2) << "it has no key";
}

TEST_F(Verifying, a_model_of_another_upstream_is_asked_although_openrouter_is_not_there) {
  auto local = config.upstream;
  local.name = "local";
  config.upstreams = {local};
  config.upstream.base_url = "http://127.0.0.1:1/api/v1";
  config.routes["default"].models = {"a/one", "local:b/two"};
  EXPECT_FALSE(verdict().passed());
  EXPECT_THAT(verdicts(),
              ElementsAre("api fail", "key fail", "primary skipped", "fallback pass", "credit skipped"));
}

TEST_F(Verifying, an_upstream_that_is_not_there_is_one_clear_failure) {
  config.upstream.base_url = "http://127.0.0.1:1/api/v1";
  EXPECT_FALSE(verdict().passed());
  EXPECT_THAT(verdicts(),
              ElementsAre("api fail", "key fail", "primary skipped", "fallback skipped", "credit skipped"));
  EXPECT_EQ(report->checks[0].remedy, "check the network, upstream.base_url and the proxy");
}

TEST_F(Verifying, a_route_that_is_not_there_fails) {
  EXPECT_FALSE(verdict({.route = "quick"}).passed());
  EXPECT_THAT(report->checks[0].evidence, HasSubstr("there is no route quick"));
}

}  // namespace
}  // namespace gantry::launch
