#include "gateway/breaker_figures.hpp"

#include <gmock/gmock.h>

namespace gantry::gateway {
namespace {

using route::OpenReason;
using route::Scope;
using route::ScopeId;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using Open = observe::BreakerFigures::Open;
using Origin = route::ScopeNames::Origin;

class BreakerFiguresTest : public testing::Test {
 protected:
  BreakerFiguresTest() {
    config.upstream.keys = {key("blue"), key("green")};
    auto& home = config.upstreams.emplace_back();
    home.name = "home", home.keys.clear();
    config.routes["default"].models = {"acme/one", "home:llama"};
  }
  static config::UpstreamKey key(std::string name) {
    config::UpstreamKey made;
    made.name = std::move(name);
    return made;
  }
  ScopeId intern(Scope kind, ScopeId parent, std::string_view name) {
    return scopes.names().intern(kind, parent, name, Origin::outside);
  }
  ScopeId openrouter() { return intern(Scope::upstream, route::kUntracked, "openrouter"); }
  ScopeId home() { return intern(Scope::upstream, route::kUntracked, "home"); }
  void open(ScopeId id) { scopes.open(id, OpenReason::told, now + seconds{60}, now); }
  [[nodiscard]] observe::BreakerFigures figures() const { return breaker_figures(scopes, config, now); }

  config::Config config;
  route::ScopeTable scopes{1};
  MonoTime now{seconds{1000}};
};

TEST_F(BreakerFiguresTest, all_that_is_configured_is_told_of_though_nothing_was_asked_yet) {
  EXPECT_THAT(
      figures().open,
      ElementsAre(Open{Scope::upstream, "home", 0}, Open{Scope::upstream, "openrouter", 0},
                  Open{Scope::upstream, "other", 0}, Open{Scope::key, "blue", 0},
                  Open{Scope::key, "green", 0}, Open{Scope::key, "home:key-1", 0},
                  Open{Scope::key, "other", 0}, Open{Scope::free_allowance, "blue", 0},
                  Open{Scope::free_allowance, "green", 0}, Open{Scope::free_allowance, "home:key-1", 0},
                  Open{Scope::free_allowance, "other", 0}, Open{Scope::model, "acme/one", 0},
                  Open{Scope::model, "home:llama", 0}, Open{Scope::model, "other", 0},
                  Open{Scope::provider, "other", 0}));
}

TEST_F(BreakerFiguresTest, what_is_open_is_told_by_the_name_that_a_chain_has_for_it) {
  open(home());
  open(intern(Scope::model, home(), "llama"));
  open(intern(Scope::model, openrouter(), "acme/one"));
  open(intern(Scope::free_allowance, intern(Scope::key, openrouter(), "green"), "free"));
  const auto told = figures().open;
  for (const Open& line : {Open{Scope::upstream, "home", 1}, Open{Scope::upstream, "openrouter", 0},
                           Open{Scope::model, "home:llama", 1}, Open{Scope::model, "acme/one", 1},
                           Open{Scope::key, "green", 0}, Open{Scope::free_allowance, "green", 1}})
    EXPECT_THAT(told, Contains(line)) << line.name;
}

TEST_F(BreakerFiguresTest, names_that_come_from_outside_are_summed_up) {
  const std::size_t lines = figures().open.size();
  for (const char* model : {"made/up", "made/up-2", "llama"}) open(intern(Scope::model, openrouter(), model));
  open(intern(Scope::provider, intern(Scope::model, openrouter(), "acme/one"), "Some Provider"));
  open(intern(Scope::key, openrouter(), "of-an-older-configuration"));
  const auto told = figures().open;
  EXPECT_EQ(told.size(), lines);
  EXPECT_THAT(told, Contains(Open{Scope::model, "other", 3}));
  EXPECT_THAT(told, Contains(Open{Scope::provider, "other", 1}));
  EXPECT_THAT(told, Contains(Open{Scope::key, "other", 1}));
}

TEST_F(BreakerFiguresTest, a_configured_name_may_be_the_word_for_the_rest) {
  config.upstream.keys = {key("other")};
  open(intern(Scope::key, openrouter(), "other"));
  open(intern(Scope::key, openrouter(), "gone"));
  EXPECT_THAT(figures().open, Contains(Open{Scope::key, "other", 2}).Times(1));
}

TEST_F(BreakerFiguresTest, what_is_open_for_one_client_alone_is_counted_apart) {
  const auto model = intern(Scope::model, openrouter(), "acme/one");
  Random random{1};
  for (int i = 0; i < 5; ++i) scopes.failed(0, model, {.client = {7}}, now, random);
  const auto told = figures();
  EXPECT_EQ(told.for_one_client, 1u);
  EXPECT_THAT(told.open, Contains(Open{Scope::model, "acme/one", 0}));
  EXPECT_THAT(told.changes, Not(IsEmpty())) << "its opening is counted like any other";
}

}  // namespace
}  // namespace gantry::gateway
