#include "route/scope_table.hpp"

#include <gmock/gmock.h>

namespace gantry::route {
namespace {

using Origin = ScopeNames::Origin;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class ScopeTableTest : public testing::Test {
 protected:
  ScopeTable table{2};
  Random random{1};
  MonoTime now{seconds{1000}};
  const ScopeId upstream = intern(Scope::upstream, kUntracked, "openrouter");
  const ScopeId key = intern(Scope::key, upstream, "main");
  const ScopeId model = intern(Scope::model, upstream, "a/b");

  ScopeId intern(Scope kind, ScopeId parent, std::string_view name) {
    return table.names().intern(kind, parent, name, Origin::configuration);
  }
  Change fail(ScopeId id, std::size_t shard = 0, Probe probe = {}) {
    return table.failed(shard, id, {.probe = probe}, now, random);
  }
  void open(ScopeId id) {
    for (int i = 0; i < 5; ++i) fail(id);
    ASSERT_EQ(gate(id), Gate::open);
  }
  void wait_until_due(ScopeId id) { now = table.breaker(id).time(now); }
  [[nodiscard]] Gate gate(ScopeId id) const { return table.breaker(id).gate({}, now); }
};

TEST_F(ScopeTableTest, failures_of_all_shards_count_together) {
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(fail(model, i % 2), Change::none);
  EXPECT_EQ(fail(model, 1), Change::opened);
  EXPECT_EQ(gate(model), Gate::open);
  EXPECT_EQ(gate(upstream), Gate::closed) << "each scope for itself";
}

TEST_F(ScopeTableTest, a_rate_is_judged_by_the_counts_of_all_shards) {
  for (std::size_t i = 0; i < 9; ++i) {
    if (i % 2) table.succeeded(i % 2, model, {}, {}, now);
    table.failed(0, model, {.severity = Severity::soft}, now, random);
  }
  EXPECT_EQ(gate(model), Gate::open);
  EXPECT_EQ(table.breaker(model).reason(), OpenReason::rate);
}

TEST_F(ScopeTableTest, an_upstream_that_answers_some_models_stays_closed_and_one_that_answers_none_opens) {
  for (int i = 0; i < 100; ++i) {
    fail(upstream);
    table.succeeded(0, upstream, {}, {}, now);
  }
  EXPECT_EQ(gate(upstream), Gate::closed);
  for (int i = 0; i < 7; ++i) fail(upstream);
  EXPECT_EQ(gate(upstream), Gate::open);
}

TEST_F(ScopeTableTest, one_attempt_takes_the_probe_and_its_success_closes) {
  open(model);
  EXPECT_FALSE(table.take_probe(model, {}, now));
  wait_until_due(model);
  const auto probe = table.take_probe(model, {}, now);
  ASSERT_TRUE(probe);
  EXPECT_FALSE(table.take_probe(model, {}, now));
  EXPECT_EQ(table.succeeded(0, model, {}, {}, now), Change::none);
  EXPECT_EQ(table.succeeded(1, model, {}, *probe, now), Change::closed);
  EXPECT_EQ(gate(model), Gate::closed);
}

TEST_F(ScopeTableTest, a_failed_probe_opens_it_again) {
  open(model);
  wait_until_due(model);
  const auto probe = table.take_probe(model, {}, now);
  ASSERT_TRUE(probe);
  EXPECT_EQ(fail(model, 0, *probe), Change::reopened);
  EXPECT_EQ(gate(model), Gate::open);
}

TEST_F(ScopeTableTest, a_probe_that_says_nothing_is_given_back) {
  open(model);
  wait_until_due(model);
  const auto probe = table.take_probe(model, {}, now);
  ASSERT_TRUE(probe);
  table.give_back(model, *probe, now);
  EXPECT_TRUE(table.take_probe(model, {}, now));
}

TEST_F(ScopeTableTest, what_is_not_tracked_is_closed_whatever_is_reported) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(fail(kUntracked), Change::none);
  EXPECT_EQ(table.stated(kUntracked, OpenReason::gone, now, random), Change::none);
  EXPECT_EQ(table.hold(kUntracked, OpenReason::told, now), Change::none);
  EXPECT_EQ(gate(kUntracked), Gate::closed);
}

TEST_F(ScopeTableTest, a_key_without_credit_is_held_until_it_is_reset) {
  EXPECT_EQ(table.hold(key, OpenReason::out_of_money, now), Change::opened);
  EXPECT_EQ(table.hold(key, OpenReason::out_of_money, now), Change::none);
  now += hours{1000};
  EXPECT_EQ(gate(key), Gate::open);
  EXPECT_EQ(table.reset(key, now), Change::closed);
  EXPECT_EQ(gate(key), Gate::closed);
}

TEST_F(ScopeTableTest, a_model_that_is_gone_is_opened_by_one_statement) {
  EXPECT_EQ(table.stated(model, OpenReason::gone, now, random), Change::opened);
  EXPECT_EQ(table.stated(model, OpenReason::gone, now, random), Change::none);
  now += minutes{9};
  EXPECT_EQ(gate(model), Gate::open);
}

TEST_F(ScopeTableTest, operators_see_every_scope_with_its_state) {
  const ScopeId provider = intern(Scope::provider, model, "Acme");
  const MonoTime until = now + hours{3};
  table.open(key, OpenReason::free_cap, until, now);
  open(provider);
  const auto lines = table.list(now);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].name, "openrouter");
  EXPECT_EQ(lines[0].above, "");
  EXPECT_EQ(lines[0].since, MonoTime::min());
  EXPECT_EQ(lines[1].kind, Scope::key);
  EXPECT_EQ(lines[1].reason, OpenReason::free_cap);
  EXPECT_EQ(lines[1].since, now);
  EXPECT_EQ(lines[1].until, until);
  EXPECT_EQ(lines[3].name, "Acme");
  EXPECT_EQ(lines[3].above, "openrouter > a/b");
  EXPECT_EQ(lines[3].state, Breaker::State::open);
  EXPECT_EQ(lines[3].id, provider);
}

TEST_F(ScopeTableTest, an_open_provider_is_to_be_ignored_but_for_its_probe) {
  const ScopeId bad = intern(Scope::provider, model, "Bad");
  intern(Scope::provider, model, "Good");
  EXPECT_THAT(table.providers(model, {}, now).ignore, IsEmpty());
  open(bad);
  EXPECT_THAT(table.providers(model, {}, now).ignore, ElementsAre("Bad"));
  wait_until_due(bad);
  const auto probing = table.providers(model, {}, now);
  EXPECT_THAT(probing.ignore, IsEmpty());
  ASSERT_EQ(probing.probes.size(), 1u);
  EXPECT_THAT(table.providers(model, {}, now).ignore, ElementsAre("Bad"));
  EXPECT_EQ(table.succeeded(0, bad, {}, probing.probes[0].probe, now), Change::closed);
  EXPECT_THAT(table.providers(model, {}, now).ignore, IsEmpty());
}

TEST_F(ScopeTableTest, a_provider_opens_before_its_model) {
  const ScopeId provider = intern(Scope::provider, model, "Bad");
  for (int i = 0; i < 3; ++i) fail(provider), fail(model);
  EXPECT_EQ(gate(provider), Gate::open);
  EXPECT_EQ(gate(model), Gate::closed);
}

TEST_F(ScopeTableTest, never_are_all_known_providers_to_be_ignored) {
  const ScopeId one = intern(Scope::provider, model, "One");
  open(one);
  EXPECT_THAT(table.providers(model, {}, now).ignore, IsEmpty());
  const ScopeId two = intern(Scope::provider, model, "Two");
  EXPECT_THAT(table.providers(model, {}, now).ignore, ElementsAre("One"));
  open(two);
  EXPECT_THAT(table.providers(model, {}, now).ignore, IsEmpty());
}

TEST_F(ScopeTableTest, open_for_one_client_it_opens_for_all_when_told) {
  const Client one{7};
  for (int i = 0; i < 5; ++i) table.failed(0, model, {.client = one}, now, random);
  EXPECT_EQ(table.breaker(model).gate(one, now), Gate::open);
  EXPECT_EQ(gate(model), Gate::closed);
  EXPECT_TRUE(table.list(now)[2].for_one_client);
  EXPECT_EQ(table.open(model, OpenReason::told, now + minutes{1}, now), Change::opened);
  EXPECT_EQ(gate(model), Gate::open);
}

TEST_F(ScopeTableTest, changes_are_counted_by_kind_and_reason_whoever_made_them) {
  EXPECT_THAT(table.changes(), IsEmpty());
  open(model);
  wait_until_due(model);
  const auto probe = table.take_probe(model, {}, now);
  ASSERT_TRUE(probe);
  EXPECT_EQ(fail(model, 1, *probe), Change::reopened);
  table.reset(model, now);
  table.reset(model, now);
  table.hold(key, OpenReason::out_of_money, now);
  table.reset(key, now);
  table.hold(kUntracked, OpenReason::out_of_money, now);
  EXPECT_THAT(table.changes(),
              ElementsAre(ChangeCount{Scope::model, Change::opened, OpenReason::run, 1},
                          ChangeCount{Scope::model, Change::reopened, OpenReason::run, 1},
                          ChangeCount{Scope::model, Change::closed, OpenReason::run, 1},
                          ChangeCount{Scope::key, Change::opened, OpenReason::out_of_money, 1},
                          ChangeCount{Scope::key, Change::closed, OpenReason::out_of_money, 1}));
}

}  // namespace
}  // namespace gantry::route
