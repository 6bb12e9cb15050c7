// Shards on threads of their own, with somebody who lists and resets; also run under ThreadSanitizer.
#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "route/scope_table.hpp"

namespace gantry::route {
namespace {

using Origin = ScopeNames::Origin;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ScopeTableThreads, names_are_interned_once_whoever_comes_first) {
  constexpr std::size_t kThreads = 4, kNames = 300;
  ScopeNames names({.configured = 1, .outside = 400});
  const auto upstream = names.intern(Scope::upstream, kUntracked, "u", Origin::configuration);
  const auto model = names.intern(Scope::model, upstream, "m", Origin::outside);
  std::vector<std::vector<std::uint32_t>> seen(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < kNames; ++i) {
          const std::string name = "provider " + std::to_string((i * 7 + t * 31) % kNames);
          (void)names.find(Scope::provider, model, name);
          const auto id = names.intern(Scope::provider, model, name, Origin::outside);
          EXPECT_EQ(names.at(id).name, name);
          for (auto at = names.first_below(model); at.tracked(); at = names.next_beside(at))
            EXPECT_FALSE(names.at(at).name.empty());
        }
        for (std::size_t i = 0; i < kNames; ++i)
          seen[t].push_back(names.find(Scope::provider, model, "provider " + std::to_string(i)).slot);
      });
  }
  for (const auto& slots : seen) EXPECT_EQ(slots, seen[0]);
  EXPECT_EQ(names.size(), 3 + kNames);
  EXPECT_EQ(names.turned_away(), 0u);
}

TEST(ScopeTableThreads, at_most_one_attempt_has_the_probe_at_any_time) {
  constexpr std::size_t kThreads = 4;
  ScopeTable table(kThreads);
  const auto scope = table.names().intern(Scope::upstream, kUntracked, "u", Origin::configuration);
  Random random(1);
  MonoTime now{seconds{100}};
  for (int i = 0; i < 5; ++i) table.failed(0, scope, {}, now, random);
  now = table.breaker(scope).time(now);
  std::atomic<int> probing{0}, taken{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) {
          const auto probe = table.take_probe(scope, {}, now);
          if (!probe) continue;
          EXPECT_EQ(++probing, 1);
          ++taken;
          --probing;
          table.give_back(scope, *probe, now);
        }
      });
  }
  EXPECT_GT(taken, 0);
  EXPECT_EQ(table.breaker(scope).gate({}, now), Gate::due);
}

TEST(ScopeTableThreads, no_failure_of_a_run_is_lost) {
  constexpr std::size_t kThreads = 4;
  for (int round = 0; round < 200; ++round) {
    ScopeTable table(kThreads);
    const auto scope = table.names().intern(Scope::upstream, kUntracked, "u", Origin::configuration);
    std::atomic<int> opened{0};
    {
      std::vector<std::jthread> threads;
      for (std::size_t t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
          Random random(t);
          for (int i = 0; i < 2; ++i)
            if (table.failed(t, scope, {}, MonoTime{seconds{100}}, random) == Change::opened) ++opened;
        });
    }
    EXPECT_EQ(opened, 1) << "eight failures, of which the fifth opens";
  }
}

TEST(ScopeTableThreads, shards_count_while_somebody_lists_and_resets) {
  constexpr std::size_t kThreads = 3;
  ScopeTable table(kThreads);
  auto& names = table.names();
  const auto upstream = names.intern(Scope::upstream, kUntracked, "u", Origin::configuration);
  const auto model = names.intern(Scope::model, upstream, "a/b", Origin::configuration);
  std::atomic<std::size_t> running{kThreads};
  const auto work = [&](std::size_t shard) {
    Random random(shard);
    MonoTime now{seconds{100}};
    for (int i = 0; i < 3000; ++i) {
      now += milliseconds{random.below(200)};
      const Client who{random.below(4) << 32 | random.below(4)};
      const auto advice = table.providers(model, who, now);
      for (const auto& taken : advice.probes) table.give_back(taken.id, taken.probe, now);
      const auto probe = table.take_probe(model, who, now).value_or(Probe{});
      if (random.below(2) == 0) {
        table.succeeded(shard, model, who, probe, now);
      } else {
        table.failed(shard, model, {.client = who, .probe = probe}, now, random);
        const auto name = "provider " + std::to_string(random.below(10));
        const auto provider = names.intern(Scope::provider, model, name, Origin::outside);
        table.failed(shard, provider, {.client = who}, now, random);
      }
    }
    --running;
  };
  std::vector<std::jthread> threads;
  for (std::size_t shard = 0; shard < kThreads; ++shard) threads.emplace_back(work, shard);
  while (running > 0) {
    for (const auto& line : table.list(MonoTime{seconds{400}})) EXPECT_FALSE(line.name.empty());
    table.reset(model, MonoTime{seconds{400}});
  }
  threads.clear();
  EXPECT_EQ(table.list(MonoTime{seconds{400}}).size(), 12u);
}

}  // namespace
}  // namespace gantry::route
