#include "route/feed.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

namespace gantry::route {
namespace {

using Origin = ScopeNames::Origin;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// ---- the table

constexpr Scope kOnTheWay[] = {Scope::upstream, Scope::key, Scope::free_allowance, Scope::model,
                               Scope::provider};

// One letter a scope, in the order above: good, soft, hard, or nothing (-).
std::string signs(const Verdict& verdict, bool answered) {
  std::string text;
  for (const Scope scope : kOnTheWay) text += "-gsh"[static_cast<int>(sign_at(scope, verdict, answered))];
  return text;
}

TEST(Signs, an_end_speaks_for_and_against_the_scopes_on_its_way) {
  const struct {
    const char* what;
    Outcome outcome;
    Scope scope;
    bool answered;
    const char* signs;
  } rows[] = {
      {"an answer is good for all", Outcome::delivered, Scope::request, true, "ggggg"},
      {"a hang-up says nothing", Outcome::cancelled, Scope::request, true, "-----"},
      {"a request's fault is the upstream's life", Outcome::bad_request, Scope::request, true, "g----"},
      {"so is a filter", Outcome::model_missing, Scope::request, true, "g----"},
      {"and a suspected key", Outcome::out_of_money, Scope::request, true, "g----"},
      {"a failing model has taken the key", Outcome::overloaded, Scope::model, true, "gg-h-"},
      {"a busy one is less bad", Outcome::rate_limited, Scope::model, true, "gg-s-"},
      {"an empty one too", Outcome::empty, Scope::model, true, "gg-s-"},
      {"a silent one proves nothing", Outcome::silent, Scope::model, false, "---h-"},
      {"a provider fails for its model", Outcome::upstream_error, Scope::provider, true, "gg-hh"},
      {"a slow provider too", Outcome::slow, Scope::provider, true, "gg-hh"},
      {"a busy key", Outcome::rate_limited, Scope::key, true, "gs---"},
      {"an upstream that is not there", Outcome::unreachable, Scope::upstream, false, "h----"},
      {"an upstream's own failure", Outcome::upstream_error, Scope::upstream, true, "h----"},
      {"this process's own bounds", Outcome::unreachable, Scope::request, false, "-----"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(signs({.outcome = row.outcome, .scope = row.scope}, row.answered), row.signs) << row.what;
}

TEST(Signs, nothing_that_a_client_causes_counts_against_anything) {
  for (int outcome = 1; outcome < kOutcomes; ++outcome)
    for (const bool answered : {false, true}) {
      const auto text = signs({.outcome = static_cast<Outcome>(outcome), .scope = Scope::request}, answered);
      EXPECT_EQ(text.find_first_of("sh"), std::string::npos) << name(static_cast<Outcome>(outcome));
    }
}

// ---- feeding

class CallFeedTest : public testing::Test {
 protected:
  ScopeTable table{1};
  Random random{1};
  MonoTime now{seconds{1000}};
  Way way = make_way();

  Way make_way() {
    auto& names = table.names();
    Way made;
    made.upstream = names.intern(Scope::upstream, kUntracked, "openrouter", Origin::configuration);
    made.key = names.intern(Scope::key, made.upstream, "main", Origin::configuration);
    made.free_allowance = names.intern(Scope::free_allowance, made.key, "free", Origin::configuration);
    made.model = names.intern(Scope::model, made.upstream, "a/b", Origin::configuration);
    return made;
  }
  Changes end(const Verdict& verdict, bool answered = true, Duration wish = {},
              std::string_view served_by = {}) {
    CallFeed call(table, 0, {});
    return call.ended(way, {.verdict = verdict, .answered = answered, .wish = wish, .served_by = served_by},
                      now, random);
  }
  [[nodiscard]] Gate gate(ScopeId id) const { return table.breaker(id).gate({}, now); }
};

TEST_F(CallFeedTest, a_call_counts_once_for_each_scope_however_often_it_tries) {
  CallFeed call(table, 0, {});
  const Verdict failed{.outcome = Outcome::overloaded, .scope = Scope::model};
  for (int i = 0; i < 20; ++i) call.ended(way, {.verdict = failed, .answered = true}, now, random);
  EXPECT_EQ(gate(way.model), Gate::closed);
  for (int i = 0; i < 4; ++i) end(failed);
  EXPECT_EQ(gate(way.model), Gate::open);
}

TEST_F(CallFeedTest, an_answer_counts_for_every_scope_on_its_way) {
  for (int i = 0; i < 20; ++i) end({.outcome = Outcome::delivered}, true, {}, "Acme");
  for (int i = 0; i < 5; ++i) end({.outcome = Outcome::overloaded, .scope = Scope::model});
  EXPECT_EQ(gate(way.model), Gate::closed) << "among many successes it takes one more";
  end({.outcome = Outcome::delivered});
  for (int i = 0; i < 5; ++i) end({.outcome = Outcome::overloaded, .scope = Scope::model});
  EXPECT_EQ(gate(way.model), Gate::closed) << "an answer ends a run";
  end({.outcome = Outcome::overloaded, .scope = Scope::model});
  EXPECT_EQ(gate(way.model), Gate::open);
}

TEST_F(CallFeedTest, every_probe_that_was_taken_is_answered_or_given_back) {
  const auto open_all = [&] {
    for (const ScopeId id : {way.upstream, way.key, way.free_allowance, way.model}) {
      table.reset(id, now);
      table.open(id, OpenReason::told, now + seconds{1}, now);
    }
    now += seconds{1};
    way.probes = {.upstream = *table.take_probe(way.upstream, {}, now),
                  .key = *table.take_probe(way.key, {}, now),
                  .free_allowance = *table.take_probe(way.free_allowance, {}, now),
                  .model = *table.take_probe(way.model, {}, now)};
  };
  for (int outcome = 0; outcome < kOutcomes; ++outcome)
    for (int scope = 0; scope < kScopes; ++scope)
      for (const bool marked : {false, true}) {
        open_all();
        end({.outcome = static_cast<Outcome>(outcome),
             .scope = static_cast<Scope>(scope),
             .gone = marked,
             .key = marked ? KeyDoubt::named : KeyDoubt::none,
             .free_cap = marked ? FreeCap::daily : FreeCap::none,
             .provider = "Acme"});
        for (const ScopeId id : {way.upstream, way.key, way.free_allowance, way.model})
          EXPECT_NE(table.breaker(id).state(), Breaker::State::probing)
              << name(static_cast<Outcome>(outcome)) << " at scope " << scope << ", slot " << id.slot;
      }
}

TEST_F(CallFeedTest, a_model_that_is_gone_opens_long_and_a_filtered_one_does_not) {
  for (int i = 0; i < 20; ++i) end({.outcome = Outcome::model_missing, .scope = Scope::request});
  EXPECT_EQ(gate(way.model), Gate::closed);
  EXPECT_EQ(end({.outcome = Outcome::model_missing, .scope = Scope::model, .gone = true}).model,
            Change::opened);
  now += minutes{9};
  EXPECT_EQ(gate(way.model), Gate::open);
}

TEST_F(CallFeedTest, a_key_is_set_aside_only_when_it_was_named) {
  for (int i = 0; i < 20; ++i) {
    end({.outcome = Outcome::bad_key, .scope = Scope::request, .key = KeyDoubt::suspected});
    end({.outcome = Outcome::out_of_money, .scope = Scope::request, .key = KeyDoubt::suspected});
  }
  EXPECT_EQ(gate(way.key), Gate::closed);
  EXPECT_EQ(end({.outcome = Outcome::bad_key, .scope = Scope::key, .key = KeyDoubt::named}).key,
            Change::opened);
  EXPECT_EQ(table.breaker(way.key).reason(), OpenReason::bad_key);
  end({.outcome = Outcome::out_of_money, .scope = Scope::key, .key = KeyDoubt::named});
  now += hours{1000};
  EXPECT_EQ(gate(way.key), Gate::open) << "until credit is seen";
  EXPECT_EQ(table.breaker(way.key).reason(), OpenReason::out_of_money);
}

TEST_F(CallFeedTest, a_spent_free_allowance_is_open_as_long_as_upstream_wishes) {
  const Verdict spent{
      .outcome = Outcome::rate_limited, .scope = Scope::free_allowance, .free_cap = FreeCap::daily};
  EXPECT_EQ(end(spent, true, hours{7}).free_allowance, Change::opened);
  EXPECT_EQ(gate(way.key), Gate::closed);
  EXPECT_EQ(gate(way.model), Gate::closed);
  now += hours{7} - seconds{1};
  EXPECT_EQ(gate(way.free_allowance), Gate::open);
  now += seconds{1};
  EXPECT_EQ(gate(way.free_allowance), Gate::due);
}

TEST_F(CallFeedTest, a_bad_provider_is_ignored_before_it_costs_the_model) {
  const Verdict failed{.outcome = Outcome::upstream_error, .scope = Scope::provider, .provider = "Bad"};
  end(failed);
  end({.outcome = Outcome::delivered}, true, {}, "Good");
  end(failed);
  EXPECT_THAT(table.providers(way.model, {}, now).ignore, testing::IsEmpty());
  EXPECT_EQ(end(failed).provider, Change::opened);
  EXPECT_THAT(table.providers(way.model, {}, now).ignore, testing::ElementsAre("Bad"));
  EXPECT_EQ(gate(way.model), Gate::closed);
}

TEST_F(CallFeedTest, a_model_whose_only_provider_fails_opens_as_any_other) {
  const Verdict failed{.outcome = Outcome::upstream_error, .scope = Scope::provider, .provider = "Only"};
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(table.providers(way.model, {}, now).ignore, testing::IsEmpty());
    EXPECT_EQ(gate(way.model), Gate::closed);
    end(failed);
  }
  EXPECT_EQ(gate(way.model), Gate::open);
}

TEST_F(CallFeedTest, providers_of_a_model_without_failures_are_not_listed) {
  for (int i = 0; i < 10; ++i)
    end({.outcome = Outcome::delivered}, true, {}, "Provider " + std::to_string(i));
  EXPECT_EQ(table.list(now).size(), 4u);
}

TEST_F(CallFeedTest, a_providers_probe_is_answered_by_that_provider_only) {
  const Verdict failed{.outcome = Outcome::upstream_error, .scope = Scope::provider, .provider = "Bad"};
  for (int i = 0; i < 3; ++i) end(failed);
  end({.outcome = Outcome::delivered}, true, {}, "Good");
  now += seconds{7};
  auto advice = table.providers(way.model, {}, now);
  ASSERT_EQ(advice.probes.size(), 1u);
  way.providers = advice.probes;
  end({.outcome = Outcome::delivered}, true, {}, "Good");
  EXPECT_EQ(gate(advice.probes[0].id), Gate::due) << "given back";
  advice = table.providers(way.model, {}, now);
  ASSERT_EQ(advice.probes.size(), 1u);
  way.providers = advice.probes;
  EXPECT_EQ(end({.outcome = Outcome::delivered}, true, {}, "Bad").provider, Change::closed);
}

TEST_F(CallFeedTest, a_provider_is_one_by_its_name_and_by_its_slug) {
  const auto failed = [](std::string by) {
    return Verdict{.outcome = Outcome::upstream_error, .scope = Scope::provider, .provider = std::move(by)};
  };
  end(failed("bad-cloud"));
  end({.outcome = Outcome::delivered}, true, {}, "Good");
  end(failed("Bad Cloud"));
  EXPECT_EQ(end(failed("bad-cloud")).provider, Change::opened);
  now += seconds{7};
  const auto advice = table.providers(way.model, {}, now);
  ASSERT_EQ(advice.probes.size(), 1u);
  way.providers = advice.probes;
  EXPECT_EQ(end({.outcome = Outcome::delivered}, true, {}, "Bad Cloud").provider, Change::closed);
}

TEST_F(CallFeedTest, a_success_of_the_model_closes_what_its_probe_found_well) {
  const Verdict failed{.outcome = Outcome::silent, .scope = Scope::model};
  for (int i = 0; i < 5; ++i) end(failed, false);
  now += seconds{7};
  way.probes.model = table.take_probe(way.model, {}, now).value_or(Probe{});
  ASSERT_TRUE(way.probes.model);
  EXPECT_EQ(end({.outcome = Outcome::delivered}).model, Change::closed);
}

}  // namespace
}  // namespace gantry::route
