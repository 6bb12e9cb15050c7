// One shard's upstreams across reloads: connections that stay, and those that go.

#include "engine/upstreams.hpp"

#include "net/client_test_kit.hpp"

namespace gantry::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct UpstreamsTest : net::ClientTest {
  route::ScopeNames names{{}};
  config::Config config;
  std::optional<Upstreams> upstreams;

  void SetUp() override {
    config.upstream = at("openrouter", {"key-1"});
    config.upstreams = {at("local", {})};
    config.routes["default"].models = {"acme/one", "local:llama"};
    upstreams.emplace(loop, resolver, nullptr);
    upstreams->configure(config, names);
  }
  config::Upstream at(std::string name, const std::vector<std::string>& keys) {
    config::Upstream out;
    out.name = std::move(name);
    out.base_url = "http://127.0.0.1:" + std::to_string(peer.port()) + "/v1";
    out.keys.clear();
    for (const auto& key : keys) out.keys.push_back({.name = key, .secret = Secret("secret-" + key)});
    return out;
  }
  const UpstreamTarget& target(std::size_t index) { return upstreams->targets()->at(index); }
  // A request to this upstream that is waited for.
  net::Call& ask(std::size_t index) {
    const std::size_t before = peer.requests();
    net::Call& next = calls.emplace_back();
    loop.spawn(perform(*target(index).client, target(index).base.origin, next));
    run_until([&] { return peer.requests() == before + 1; });
    return next;
  }
  void answer(std::size_t line, net::Call& call) {
    peer.say(line, net::kOk);
    run_until([&] { return call.done; });
    call.response.reset();  // as an attempt does before its call lets go of the client
  }
  // Asks and is answered; the connection that it went over.
  std::size_t line_to(std::size_t index) {
    std::vector<std::size_t> before;
    for (std::size_t i = 0; i < peer.lines(); ++i) before.push_back(peer.requests(i));
    net::Call& call = ask(index);
    std::size_t line = 0;
    while (line < before.size() && peer.requests(line) == before[line]) ++line;
    answer(line, call);
    EXPECT_TRUE(call.sound());
    return line;
  }
  void TearDown() override {
    for (net::Call& each : calls) each.canceller.cancel();
    settle();
    calls.clear();
    upstreams.reset();
    ClientTest::TearDown();
  }
};

TEST_F(UpstreamsTest, have_connections_of_their_own) {
  EXPECT_EQ(line_to(0), 0u);
  EXPECT_EQ(line_to(1), 1u);
  EXPECT_EQ(line_to(0), 0u);
  EXPECT_EQ(upstreams->stats().open, 2u);
  EXPECT_EQ(upstreams->stats().connects, 2u);
}

TEST_F(UpstreamsTest, keep_their_connections_across_a_reload_that_does_not_change_the_way_there) {
  line_to(0), line_to(1);
  config.upstream.keys.push_back({.name = "key-2", .secret = Secret("another")});
  config.upstreams.insert(config.upstreams.begin(), at("another", {}));  // the index of local changes
  config.upstreams.back().zdr = true;
  upstreams->configure(config, names);
  EXPECT_EQ(line_to(0), 0u);
  EXPECT_EQ(line_to(2), 1u);
  EXPECT_EQ(line_to(1), 2u);
}

TEST_F(UpstreamsTest, whose_way_changed_have_new_connections_and_the_old_ones_close) {
  line_to(0), line_to(1);
  config.upstreams[0].max_idle = 7;
  upstreams->configure(config, names);
  EXPECT_EQ(line_to(0), 0u);
  EXPECT_EQ(line_to(1), 2u);
  EXPECT_TRUE(peer.line(1).ended);
  EXPECT_FALSE(peer.line(0).ended);
}

TEST_F(UpstreamsTest, that_are_gone_answer_the_calls_that_began_with_them) {
  line_to(1);
  auto held = upstreams->targets();
  net::Call& call = ask(1);
  config.upstreams.clear();
  config.routes["default"].models = {"acme/one"};
  upstreams->configure(config, names);
  EXPECT_EQ(upstreams->targets()->size(), 1u);
  answer(0, call);
  EXPECT_TRUE(call.sound());
  settle();
  EXPECT_FALSE(peer.line(0).ended) << "the call may ask again";
  calls.clear();
  held.reset();
  run_until([&] { return peer.line(0).ended; });
}

TEST_F(UpstreamsTest, that_are_gone_hear_of_the_shutdown) {
  const auto held = upstreams->targets();
  config.upstreams.clear();
  upstreams->configure(config, names);
  upstreams->shut_down();
  net::Call& call = calls.emplace_back();
  loop.spawn(perform(*held->at(1).client, held->at(1).base.origin, call));
  run_until([&] { return call.done; });
  EXPECT_TRUE(call.failure);
}

TEST_F(UpstreamsTest, send_each_key_as_a_bearer_and_nothing_where_there_is_none) {
  config.upstream.keys.push_back({.name = "blue", .weight = 3, .secret = Secret("b")});
  upstreams->configure(config, names);
  ASSERT_EQ(target(0).keys.size(), 2u);
  EXPECT_EQ(target(0).keys[0].authorization.reveal(), "Bearer secret-key-1");
  EXPECT_EQ(target(0).keys[1].authorization.reveal(), "Bearer b");
  EXPECT_EQ(target(0).keys[1].name, "blue");
  EXPECT_EQ(target(0).keys[1].books, "blue");
  EXPECT_EQ(target(1).keys[0].books, "local:key-1") << "each upstream may have such a key";
  EXPECT_THAT(target(0).weights, ElementsAre(1, 3));
  ASSERT_EQ(target(1).keys.size(), 1u);
  EXPECT_TRUE(target(1).keys[0].authorization.empty());
  EXPECT_THAT(target(1).weights, ElementsAre(1));
}

TEST_F(UpstreamsTest, are_remembered_by_the_names_of_upstreams_keys_and_models) {
  const auto before = upstreams->targets();
  config.upstream.keys = {{.name = "new", .secret = Secret("n")},
                          {.name = "key-1", .secret = Secret("secret-key-1")}};
  config.upstreams.insert(config.upstreams.begin(), at("another", {}));
  upstreams->configure(config, names);
  EXPECT_EQ(target(0).scope, before->at(0).scope);
  EXPECT_EQ(target(2).scope, before->at(1).scope);
  EXPECT_NE(target(1).scope, before->at(1).scope);
  EXPECT_EQ(target(0).key_scopes[1].key, before->at(0).key_scopes[0].key);
  EXPECT_EQ(target(0).key_scopes[1].free_allowance, before->at(0).key_scopes[0].free_allowance);
  EXPECT_NE(target(0).key_scopes[0].key, before->at(0).key_scopes[0].key);
  EXPECT_TRUE(names.find(route::Scope::model, target(0).scope, "acme/one").tracked());
  EXPECT_TRUE(names.find(route::Scope::model, target(2).scope, "llama").tracked());
  EXPECT_FALSE(names.find(route::Scope::model, target(0).scope, "local:llama").tracked());
}

TEST_F(UpstreamsTest, tell_which_key_has_another_secret_under_its_old_name) {
  auto next = config;
  EXPECT_THAT(replaced_keys(config, next), IsEmpty());
  next.upstream.keys[0].secret = Secret("other");
  next.upstream.keys.push_back({.name = "key-2", .secret = Secret("new")});
  next.upstreams[0].keys.push_back({.name = "key-1", .secret = Secret("new")});
  EXPECT_THAT(replaced_keys(config, next), ElementsAre(KeyName{"openrouter", "key-1"}));
}

TEST_F(UpstreamsTest, know_a_key_that_a_reload_has_replaced) {
  const auto before = upstreams->targets();
  EXPECT_TRUE(is_current(*upstreams->targets(), before->at(0), 0));
  config.upstream.keys.push_back({.name = "key-2", .secret = Secret("another")});
  upstreams->configure(config, names);
  EXPECT_TRUE(is_current(*upstreams->targets(), before->at(0), 0));
  config.upstream.keys[0].secret = Secret("renewed");
  upstreams->configure(config, names);
  EXPECT_FALSE(is_current(*upstreams->targets(), before->at(0), 0));
  EXPECT_TRUE(is_current(*upstreams->targets(), before->at(1), 0)) << "which has no key";
  config.upstream.keys.erase(config.upstream.keys.begin());
  upstreams->configure(config, names);
  EXPECT_FALSE(is_current(*upstreams->targets(), before->at(0), 0)) << "it is gone";
}

TEST_F(UpstreamsTest, find_a_key_by_its_scope) {
  config.upstreams[0].keys = {{.name = "a", .secret = Secret("a")}, {.name = "b", .secret = Secret("b")}};
  upstreams->configure(config, names);
  const auto found = find_key(upstreams->targets(), target(1).key_scopes[1].key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->upstream, 1u);
  EXPECT_EQ(found->key, 1u);
  EXPECT_FALSE(find_key(upstreams->targets(), route::kUntracked));
  EXPECT_FALSE(find_key(upstreams->targets(), target(1).scope));
}

TEST(UpstreamTls, is_there_for_the_authorities_of_https_upstreams) {
  UpstreamTls tls;
  config::Config config;
  config.upstreams.emplace_back().base_url = "http://127.0.0.1:1/v1";
  config.upstreams.back().ca_file = "/nonexistent/plain.pem";
  ASSERT_TRUE(tls.prepare(config));
  const auto system = tls.find("");
  EXPECT_TRUE(system);
  EXPECT_FALSE(tls.find("/nonexistent/plain.pem"));
  config.upstreams.back().base_url = "https://127.0.0.1:1/v1";
  EXPECT_FALSE(tls.prepare(config));
  EXPECT_EQ(tls.find(""), system) << "made once, so that pools stay";
}

}  // namespace
}  // namespace gantry::engine
