#include "engine/reconciler.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "engine/shard.hpp"
#include "observe/log.hpp"
#include "wire/generation.hpp"

namespace gantry::engine {
namespace {

constexpr Duration kRoundEvery = std::chrono::milliseconds{500};
constexpr Duration kFirstWait = std::chrono::milliseconds{500};  // doubled with each time that was in vain
constexpr Duration kLongestWait = std::chrono::minutes{2};
constexpr std::size_t kMostLooked = 1024;  // the oldest; the others' turn comes as those are settled

Duration wait_after(int asked) {
  const Duration doubled = kFirstWait * (std::int64_t{1} << std::min(asked, 10));
  return std::min(doubled, kLongestWait);
}

KeyPlace key_of(const std::shared_ptr<const Targets>& targets, const std::string& name) {
  const auto& keys = targets->front().keys;
  const auto found = std::ranges::find(keys, name, &TargetKey::books);
  const auto place = found == keys.end() ? 0 : found - keys.begin();
  return {.targets = targets, .upstream = 0, .key = static_cast<std::size_t>(place)};
}

}  // namespace

void Reconciler::start() { arm(); }

void Reconciler::arm() {
  const auto ring = [](void* self) {
    auto& reconciler = *static_cast<Reconciler*>(self);
    reconciler.shard_.loop().spawn(reconciler.round());
  };
  shard_.loop().set_timer(timer_, shard_.loop().now() + kRoundEvery, ring, this);
}

Task<void> Reconciler::round() {
  using List = std::vector<ledger::Pending>;
  auto listed = co_await recorder_.ask<List>(
      shard_.loop(), [](ledger::Ledger& ledger) { return ledger.pending(kMostLooked); });
  if (listed) {
    forget_settled(*listed);
    for (auto& each : *listed) co_await look_at(std::move(each));
  }
  arm();
}

void Reconciler::forget_settled(const std::vector<ledger::Pending>& still) {
  std::unordered_set<std::uint64_t> known;
  for (const auto& each : still) known.insert(each.attempt.value);
  std::erase_if(patience_, [&](const auto& each) { return !known.contains(each.first); });
}

Task<void> Reconciler::look_at(ledger::Pending pending) {
  const Duration age = bank_.now() - pending.ended;
  if (age >= shard_.config()->ledger.pending_for) {
    observe::log(observe::Level::warn, "assumed",
                 {{"generation", pending.generation},
                  {"model", pending.model},
                  {"cost_usd", to_decimal(pending.estimate)},
                  {"why", "nobody told what the attempt cost within ledger.pending_for"}});
    const ledger::Resolution assumed{
        .attempt = pending.attempt, .cost = pending.estimate, .source = spend::CostSource::assumed};
    co_await book(assumed);
    co_return;
  }
  const bool openrouter = pending.upstream == shard_.config()->upstream.name;
  Patience& patience = patience_[pending.attempt.value];
  if (pending.generation.empty() || !openrouter || shard_.loop().now() < patience.next) co_return;
  patience.next = shard_.loop().now() + wait_after(patience.asked++);
  co_await ask(std::move(pending));
}

Task<void> Reconciler::ask(ledger::Pending pending) {
  const auto key = key_of(shard_.upstreams(), pending.upstream_key);
  const auto told = co_await shard_.fetch("/generation?id=" + pending.generation, key);
  if (!told || told->status != 200) co_return;  // not there yet, or not reachable: asked again later
  const auto facts = wire::read_generation(told->body);
  if (!facts) co_return;
  ledger::Resolution resolution{.attempt = pending.attempt,
                                .cost = facts->cost,
                                .source = spend::CostSource::told,
                                .prompt_tokens = facts->prompt_tokens,
                                .completion_tokens = facts->completion_tokens,
                                .served_model = facts->model,
                                .provider = facts->provider};
  if (facts->is_byok && facts->upstream_cost) resolution.upstream_cost = *facts->upstream_cost;
  co_await book(std::move(resolution));
}

Task<void> Reconciler::book(ledger::Resolution resolution) {
  using Was = std::optional<ledger::Pending>;
  const auto booked = co_await recorder_.ask<Was>(
      shard_.loop(),
      [this, what = std::move(resolution)](ledger::Ledger& ledger) { return bank_.resolve(ledger, what); });
  (void)booked;  // the ledger away: it is still pending, and comes again
}

}  // namespace gantry::engine
