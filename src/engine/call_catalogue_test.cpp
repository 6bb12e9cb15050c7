// What calls do with the catalogue: models that cannot are passed over, providers that are down are left out,
// and OpenRouter's own substitutions are told.
#include "engine/call_test_kit.hpp"

namespace gantry::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// alpha takes text alone and no tools, beta all of that, gamma text alone but much of it.
constexpr std::string_view kModels = R"({"data":[
  {"id":"acme/alpha","canonical_slug":"acme/alpha-2026-01-02","context_length":8000,
   "architecture":{"input_modalities":["text"],"output_modalities":["text"]},"supported_parameters":["stop"]},
  {"id":"acme/beta","context_length":4000,
   "architecture":{"input_modalities":["text","image"],"output_modalities":["text"]},
   "supported_parameters":["tools"]},
  {"id":"acme/gamma","context_length":32000,
   "architecture":{"input_modalities":["text"],"output_modalities":["text"]},"supported_parameters":["tools"]}]})";
constexpr std::string_view kProviders =
    R"({"data":[{"name":"Bad Cloud","slug":"bad-cloud"},{"name":"Good","slug":"good"}]})";

constexpr std::string_view kPlain = R"({"messages":[{"role":"user","content":"Hello"}]})";
constexpr std::string_view kTools =
    R"({"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"Hello"}]})";
constexpr std::string_view kImage =
    R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}}]}]})";
constexpr std::string_view kAudio =
    R"({"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"wav"}}]}]})";

struct CatalogueCallTest : CallTest {
  std::size_t answered = 0;

  CatalogueCallTest() {
    catalogue = std::make_shared<const Catalogue>(*read_catalogue(kModels, kProviders));
    explain = true;
    auto& route = config->routes["default"];
    route.models = {"acme/alpha", "acme/beta", "acme/gamma"};
    route.retries = 0;
  }
  void ask(std::string_view body) { CallTest::ask(std::string(body)); }
  /// The newest request's body.
  [[nodiscard]] std::string asked() {
    const std::string& all = peer.line(peer.lines() - 1).received;
    return all.substr(all.rfind("\r\n\r\n") + 4);
  }
  void say_reply(int status, std::string_view body) {
    ++answered;
    CallTest::say(peer.lines() - 1,
                  "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json" +
                      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
  }
  void say_error(int status, std::string_view type) {
    say_reply(status, R"({"error":{"code":)" + std::to_string(status) +
                          R"(,"message":"m","metadata":{"error_type":")" + std::string(type) + R"("}}})");
  }
  void next() {
    run_until([this] { return peer.requests() == answered + 1; });
  }
  void deliver(std::string_view model, std::string_view provider = "Good") {
    say_reply(200, R"({"id":"gen-1","model":")" + std::string(model) + R"(","provider":")" +
                       std::string(provider) +
                       R"(","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]})");
    run_until([this] { return ended; });
    EXPECT_EQ(taken.status, 200) << taken.body;
  }
  [[nodiscard]] std::string told() { return taken.headers["x-gantry-explain"]; }
};

TEST_F(CatalogueCallTest, a_plain_text_is_asked_of_the_first) {
  ask(kPlain);
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/alpha")"));
  deliver("acme/alpha-2026-01-02");
  EXPECT_THAT(told(), Not(HasSubstr("skipped")));
  EXPECT_FALSE(taken.headers.contains("x-gantry-substituted"));
}

TEST_F(CatalogueCallTest, tools_pass_over_a_model_without_them) {
  ask(kTools);
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/beta")"));
  deliver("acme/beta");
  EXPECT_THAT(told(), HasSubstr(R"([{"model":"acme/alpha","outcome":"skipped","reason":"takes no tools"},)"
                                R"({"model":"acme/beta","outcome":"delivered")"));
  EXPECT_EQ(taken.headers["x-gantry-substituted"], "acme/beta");
}

TEST_F(CatalogueCallTest, without_a_catalogue_nothing_is_passed_over) {
  catalogue = nullptr;
  ask(kTools);
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/alpha")"));
  deliver("acme/alpha");
}

TEST_F(CatalogueCallTest, a_failed_models_fallback_is_passed_over_when_it_cannot) {
  config->routes["default"].models = {"acme/beta", "acme/alpha", "other/unlisted"};
  ask(kImage);
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/beta")"));
  say_error(503, "provider_overloaded");
  next();
  EXPECT_THAT(asked(), HasSubstr(R"("model":"other/unlisted")")) << "what is not known is asked";
  say_error(503, "provider_overloaded");
  run_until([this] { return ended; });
  EXPECT_THAT(taken.body,
              AllOf(HasSubstr(R"({"model":"acme/alpha","outcome":"skipped","reason":"takes no image"})"),
                    HasSubstr(R"("model":"other/unlisted","outcome":"overloaded")")));
}

TEST_F(CatalogueCallTest, a_fallback_that_cannot_is_passed_over_when_the_first_is_left_alone) {
  config->routes["default"].models = {"acme/gamma", "acme/alpha", "acme/beta"};
  auto& scopes = failover.scopes;
  const auto upstream = scopes.names().intern(route::Scope::upstream, route::kUntracked, "openrouter",
                                              route::ScopeNames::Origin::configuration);
  const auto gamma = scopes.names().intern(route::Scope::model, upstream, "acme/gamma",
                                           route::ScopeNames::Origin::configuration);
  scopes.open(gamma, route::OpenReason::told, time.mono() + std::chrono::minutes{1}, time.mono());
  ask(kTools);
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/beta")"));
  deliver("acme/beta");
  EXPECT_THAT(told(),
              AllOf(HasSubstr(R"({"model":"acme/gamma","outcome":"skipped","reason":"its breaker is open"})"),
                    HasSubstr(R"({"model":"acme/alpha","outcome":"skipped","reason":"takes no tools"})")));
}

TEST_F(CatalogueCallTest, when_no_model_can_the_first_is_asked_all_the_same) {
  ask(kAudio);
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/alpha")"));
  deliver("acme/alpha");
  EXPECT_THAT(told(), Not(HasSubstr("skipped")));
}

TEST_F(CatalogueCallTest, the_only_model_is_never_passed_over) {
  config->routes["default"].models = {"acme/alpha"};
  ask(kTools);
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/alpha")"));
  deliver("acme/alpha");
}

TEST_F(CatalogueCallTest, a_prompt_that_is_too_long_goes_on_to_a_larger_context_only) {
  ask(kPlain);
  say_error(400, "context_length_exceeded");
  next();
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/gamma")"));
  deliver("acme/gamma");
  EXPECT_THAT(told(),
              HasSubstr(R"({"model":"acme/beta","outcome":"skipped","reason":"its context is not larger"})"));
}

TEST_F(CatalogueCallTest, a_prompt_that_cannot_fit_is_not_tried) {
  config->routes["default"].max_prompt = 0;
  ask(R"({"messages":[{"role":"user","content":")" + std::string(80'000, 'x') + R"("}]})");
  EXPECT_THAT(asked(), HasSubstr(R"("model":"acme/gamma")"));
  deliver("acme/gamma");
  EXPECT_THAT(told(), HasSubstr("holds 8000 tokens, and the prompt has at least 10000"));
}

// ---- OpenRouter's own failover

struct SubstitutionTest : CatalogueCallTest {
  SubstitutionTest() { config->routes["default"].fallback = config::Fallback::openrouter; }
};

TEST_F(SubstitutionTest, an_answer_by_another_model_is_told) {
  ask(kPlain);
  EXPECT_THAT(asked(), HasSubstr(R"("models":["acme/beta","acme/gamma"])"));
  deliver("acme/gamma");
  EXPECT_EQ(taken.headers["x-gantry-substituted"], "acme/gamma");
}

TEST_F(SubstitutionTest, a_dated_slug_of_the_model_asked_for_is_none) {
  ask(kPlain);
  deliver("acme/alpha-2026-01-02");
  EXPECT_FALSE(taken.headers.contains("x-gantry-substituted"));
}

TEST_F(SubstitutionTest, what_the_list_does_not_name_is_none) {
  ask(kPlain);
  deliver("acme/alpha-2027");
  EXPECT_FALSE(taken.headers.contains("x-gantry-substituted"));
}

TEST_F(SubstitutionTest, a_clients_own_models_are_told_too) {
  ask(R"({"model":"acme/alpha","models":["acme/beta"],"messages":[{"role":"user","content":"Hello"}]})");
  deliver("acme/beta");
  EXPECT_EQ(taken.headers["x-gantry-substituted"], "acme/beta");
}

// ---- providers

struct AvoidTest : CatalogueCallTest {
  route::ScopeId model, bad;
  AvoidTest() {
    using Origin = route::ScopeNames::Origin;
    auto& names = failover.scopes.names();
    const auto upstream =
        names.intern(route::Scope::upstream, route::kUntracked, "openrouter", Origin::configuration);
    model = names.intern(route::Scope::model, upstream, "acme/alpha", Origin::configuration);
    provider("Good");
    bad = provider("Bad Cloud");
  }
  route::ScopeId provider(std::string_view name) {
    return failover.scopes.names().intern(route::Scope::provider, model, name,
                                          route::ScopeNames::Origin::outside);
  }
  void open(route::ScopeId id) {
    failover.scopes.open(id, route::OpenReason::run, time.mono() + std::chrono::seconds{5}, time.mono());
  }
  [[nodiscard]] route::Breaker::State state(route::ScopeId id) { return failover.scopes.breaker(id).state(); }
};

using State = route::Breaker::State;

TEST_F(AvoidTest, a_provider_that_is_down_is_left_out_by_its_slug) {
  open(bad);
  ask(kPlain);
  EXPECT_THAT(asked(), HasSubstr(R"("provider":{"ignore":["bad-cloud"]})"));
  deliver("acme/alpha");
  EXPECT_EQ(state(bad), State::open);
}

TEST_F(AvoidTest, one_that_is_well_is_not) {
  ask(kPlain);
  EXPECT_THAT(asked(), Not(HasSubstr("ignore")));
  deliver("acme/alpha");
}

TEST_F(AvoidTest, one_that_the_client_pinned_is_not) {
  open(bad);
  ask(R"({"provider":{"only":["bad-cloud"]},"messages":[{"role":"user","content":"Hello"}]})");
  EXPECT_THAT(asked(), Not(HasSubstr("ignore")));
  deliver("acme/alpha", "Bad Cloud");
}

TEST_F(AvoidTest, one_that_is_due_is_probed_and_its_answer_closes) {
  open(bad);
  time.advance(std::chrono::seconds{6});
  loop.advance_timers();
  ask(kPlain);
  EXPECT_THAT(asked(), Not(HasSubstr("ignore")));
  EXPECT_EQ(state(bad), State::probing);
  deliver("acme/alpha", "Bad Cloud");
  EXPECT_EQ(state(bad), State::closed);
}

TEST_F(AvoidTest, the_probe_of_one_that_did_not_answer_is_given_back) {
  open(bad);
  time.advance(std::chrono::seconds{6});
  loop.advance_timers();
  ask(kPlain);
  EXPECT_EQ(state(bad), State::probing);
  deliver("acme/alpha", "Good");
  EXPECT_EQ(state(bad), State::open);
}

TEST_F(AvoidTest, one_whose_slug_is_not_known_is_neither_left_out_nor_probed) {
  const auto unlisted = provider("Unlisted");
  open(unlisted);
  open(bad);
  time.advance(std::chrono::seconds{6});
  loop.advance_timers();
  ask(kPlain);
  EXPECT_THAT(asked(), Not(HasSubstr("ignore")));
  EXPECT_EQ(state(unlisted), State::open);
  EXPECT_EQ(state(bad), State::probing);
  deliver("acme/alpha", "Good");
}

TEST_F(AvoidTest, a_stream_answers_a_probe_too) {
  open(bad);
  time.advance(std::chrono::seconds{6});
  loop.advance_timers();
  ask(R"({"stream":true,"messages":[{"role":"user","content":"Hello"}]})");
  say(0, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
  say(0,
      "data: {\"id\":\"gen-1\",\"model\":\"acme/alpha\",\"provider\":\"Bad Cloud\","
      "\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
  run_until([this] { return ended || (advance(std::chrono::milliseconds{10}), ended); });
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(state(bad), State::closed);
}

}  // namespace
}  // namespace gantry::engine
