// The catalogue as it is read, and as it is kept fresh.
#include "engine/catalogue.hpp"

#include "engine/call_test_kit.hpp"

namespace gantry::engine {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::string_view kModels = R"({"data":[{"id":"acme/alpha","context_length":8000}]})";
constexpr std::string_view kProviders = R"({"data":[{"name":"Bad Cloud","slug":"bad-cloud"}]})";

TEST(Catalogue, is_read_from_both_lists) {
  const auto both = read_catalogue(kModels, kProviders);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->models.find("acme/alpha")->context_length, 8000);
  EXPECT_EQ(both->providers.find("Bad Cloud"), "bad-cloud");
  const auto models = read_catalogue(kModels, "");
  ASSERT_TRUE(models);
  EXPECT_EQ(models->providers.size(), 0u);
}

TEST(Catalogue, is_not_read_from_what_says_nothing) {
  for (const std::string_view models : {"", "<html>", R"({"data":[]})", R"({"error":{"code":500}})"})
    EXPECT_FALSE(read_catalogue(models, kProviders)) << models;
  EXPECT_FALSE(read_catalogue(kModels, "<html>"));
}

struct CatalogueKeeperTest : CallTest {
  std::optional<CatalogueKeeper> keeper;
  std::vector<std::shared_ptr<const Catalogue>> published;
  std::vector<std::string> remembered;
  std::size_t answered = 0;

  CatalogueKeeperTest() { config->routes.at("default").models = {"acme/unlisted"}; }

  void start() {
    shard.emplace(loop, 0, Collaborators{observer, resolver, failover, nullptr, &inflight}, config, 1);
    keeper.emplace(
        *shard, [this](std::shared_ptr<const Catalogue> next) { published.push_back(std::move(next)); },
        [this](std::string base_url, std::string models) {
          EXPECT_EQ(base_url, config->upstream.base_url);
          remembered.push_back(std::move(models));
        });
    keeper->start();
    ended = true;  // there is no call
  }
  void TearDown() override {
    if (shard) shard->shut_down();
    settle();
    keeper.reset();
    CallTest::TearDown();
  }
  /// The next request, once it has come; its head.
  std::string next_request() {
    run_until([this] { return peer.requests() == answered + 1; });
    const std::string& all = peer.line(peer.lines() - 1).received;
    return all.substr(all.rfind("GET "));
  }
  void answer(std::string_view body, int status = 200) {
    ++answered;
    peer.say(peer.lines() - 1, "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " +
                                   std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    for (int i = 0; i < 200; ++i) loop.poll();
  }
  void both(std::string_view models, std::string_view providers, int status = 200) {
    EXPECT_THAT(next_request(), HasSubstr("GET /api/v1/models?output_modalities=all "));
    answer(models, status);
    EXPECT_THAT(next_request(), HasSubstr("GET /api/v1/providers "));
    answer(providers, status);
  }
};

TEST_F(CatalogueKeeperTest, asks_soon_after_the_start_and_then_every_hour) {
  start();
  advance(900ms);
  EXPECT_EQ(peer.requests(), 0u) << "the first calls come first";
  advance(250ms);
  both(kModels, kProviders);
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0]->models.all().size(), 1u);
  EXPECT_EQ(published[0]->providers.size(), 1u);
  EXPECT_EQ(published[0]->fetched, loop.now());
  advance(59min);
  EXPECT_EQ(peer.requests(), answered);
  advance(8min);
  both(kModels, kProviders);
  EXPECT_EQ(published.size(), 2u);
}

TEST_F(CatalogueKeeperTest, asks_sooner_after_a_failure_and_later_after_each_further_one) {
  start();
  advance(1200ms);
  both("", "", 503);
  advance(29s);
  EXPECT_EQ(peer.requests(), answered);
  advance(5s);
  both("<html>", kProviders);
  EXPECT_TRUE(published.empty());
  advance(59s);
  EXPECT_EQ(peer.requests(), answered);
  advance(8s);
  both(kModels, kProviders);
  EXPECT_EQ(published.size(), 1u);
}

TEST_F(CatalogueKeeperTest, keeps_the_last_good_copy) {
  start();
  advance(1200ms);
  both(kModels, kProviders);
  advance(70min);
  both(R"({"data":[]})", kProviders);
  EXPECT_EQ(published.size(), 1u) << "an empty list says nothing";
  advance(35s);
  EXPECT_THAT(next_request(), HasSubstr("/models"));
  answer(kModels);
  next_request();
  answer("", 500);
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(published[1]->providers.size(), 1u) << "the providers that are known stay";
  EXPECT_THAT(remembered, testing::ElementsAre(kModels, kModels)) << "for the next start, what was good";
}

TEST_F(CatalogueKeeperTest, asks_again_at_once_when_the_upstream_is_another) {
  start();
  keeper->refresh();
  EXPECT_THAT(next_request(), HasSubstr("/models"));
  keeper->refresh();
  answer(kModels);
  next_request();
  answer(kProviders);
  both(kModels, kProviders);
  EXPECT_EQ(published.size(), 2u);
  advance(59min);
  EXPECT_EQ(peer.requests(), answered) << "and then within the hour no more";
}

// ---- endpoints

constexpr std::string_view kPriced = R"({"data":[
  {"id":"acme/alpha","pricing":{"prompt":"0.000001","completion":"0.000002"}},
  {"id":"acme/beta","pricing":{"prompt":"0.000001","completion":"0.000002"}}]})";

std::string endpoints_of(std::string_view id) {
  return R"({"data":{"id":")" + std::string(id) +
         R"(","endpoints":[{"provider_name":"Dear","tag":"dear","pricing":{"prompt":"0.000005","completion":"0.00001"}}]}})";
}

TEST_F(CatalogueKeeperTest, asks_for_the_endpoints_of_models_that_routes_name) {
  config->routes.at("default").models = {"acme/alpha"};
  start();
  advance(1200ms);
  both(kPriced, kProviders);
  ASSERT_EQ(published.size(), 1u);
  EXPECT_TRUE(published[0]->prices.find("acme/alpha")->endpoints.empty());
  EXPECT_THAT(next_request(), HasSubstr("GET /api/v1/models/acme/alpha/endpoints "));
  answer(endpoints_of("acme/alpha"));
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(published[1]->prices.find("acme/alpha")->endpoints.size(), 1u);
  EXPECT_EQ(published[1]->models.all().size(), 2u) << "the rest is as it was";
  EXPECT_EQ(published[1]->fetched, published[0]->fetched);
  advance(30min);
  EXPECT_EQ(peer.requests(), answered);
}

TEST_F(CatalogueKeeperTest, asks_for_the_endpoints_of_models_that_budgets_pay_for) {
  start();
  advance(1200ms);
  both(kPriced, kProviders);
  published[0]->want("acme/beta:nitro");
  published[0]->want("acme/unheard-of");
  EXPECT_EQ(peer.requests(), answered);
  advance(61s);
  EXPECT_THAT(next_request(), HasSubstr("GET /api/v1/models/acme/beta/endpoints "));
  answer(endpoints_of("acme/alpha"));
  EXPECT_EQ(published.size(), 1u) << "of another model they bound nothing";
  advance(61s);
  EXPECT_THAT(next_request(), HasSubstr("GET /api/v1/models/acme/beta/endpoints "));
  answer("", 500);
  advance(121s);
  next_request();
  answer(endpoints_of("acme/beta"));
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(published[1]->prices.find("acme/beta")->endpoints.size(), 1u);
}

}  // namespace
}  // namespace gantry::engine
