#include "route/scope_table.hpp"

#include <array>

#include <limits>

namespace gantry::route {
namespace {

using State = Breaker::State;
constexpr auto kRelaxed =
    std::memory_order_relaxed;  // a word says all there is to say; it orders nothing else

std::size_t index(auto enumerator) { return static_cast<std::size_t>(enumerator); }

bool blocks(State state) { return state != State::closed; }

// Who the breaker is closed to changed, or a probe found it as it was.
Change change_of(Breaker before, Breaker after) {
  if (before == after || after.state() == State::probing) return Change::none;
  if (!blocks(after.state())) return blocks(before.state()) ? Change::closed : Change::none;
  if (!blocks(before.state()) || (before.for_one_client() && !after.for_one_client())) return Change::opened;
  const bool told = after.state() != before.state() || after.reason() != before.reason();
  return told ? Change::reopened : Change::none;
}

BreakerLimits for_providers(BreakerLimits limits) {
  limits.run = limits.provider_run;
  return limits;
}

// Whoever answers one model is not down: only a run, which each answer ends, opens a whole upstream. A rate
// would let one model that fails at the edge (52x) close it for all others, since each of its failures is
// followed by one success. Two calls are a run: each has asked up to four times with pauses between.
BreakerLimits for_upstreams(BreakerLimits limits) {
  limits.run = 2;
  limits.rate = std::numeric_limits<double>::infinity();
  return limits;
}

}  // namespace

std::string_view name(Change change) {
  static constexpr std::array<std::string_view, 4> kNames = {"none", "opened", "reopened", "closed"};
  return kNames[static_cast<std::size_t>(change)];
}

ScopeTable::ScopeTable(std::size_t shards, BreakerLimits limits, ScopeBounds bounds)
    : limits_(limits),
      provider_limits_(for_providers(limits)),
      upstream_limits_(for_upstreams(limits)),
      names_(bounds),
      words_(std::make_unique<std::atomic<Breaker::Word>[]>(names_.capacity())),
      since_(std::make_unique<std::atomic<MonoTime>[]>(names_.capacity())) {
  for (std::size_t i = 0; i < names_.capacity(); ++i) since_[i].store(MonoTime::min(), kRelaxed);
  for (std::size_t i = 0; i < shards; ++i)
    cells_.push_back(std::make_unique<std::atomic<std::uint64_t>[]>(2 * names_.capacity()));
}

template <class Next>
ScopeTable::Swap ScopeTable::swap(ScopeId id, Next next) {
  auto& word = words_[id.slot];
  Breaker::Word before = word.load(kRelaxed);
  for (;;) {
    const Breaker after = next(Breaker(before));
    if (!id.tracked() || after.word() == before) return {Breaker(before), Breaker(before)};
    if (word.compare_exchange_weak(before, after.word(), kRelaxed)) return {Breaker(before), after};
  }
}

Change ScopeTable::tell(ScopeId id, const Swap& swap, MonoTime now) {
  const Change change = change_of(swap.before, swap.after);
  if (change == Change::none) return change;
  if (change != Change::reopened) since_[id.slot].store(now, kRelaxed);
  const OpenReason reason = (change == Change::closed ? swap.before : swap.after).reason();
  changes_[index(names_.at(id).kind)][index(change)][index(reason)].fetch_add(1, kRelaxed);
  return change;
}

std::optional<Probe> ScopeTable::take_probe(ScopeId id, Client client, MonoTime at) {
  const Swap taken =
      swap(id, [&](Breaker breaker) { return breaker.probed(client, limits_, at).value_or(breaker); });
  if (taken.before == taken.after) return std::nullopt;
  return Probe{taken.after.word()};
}

void ScopeTable::give_back(ScopeId id, Probe probe, MonoTime now) {
  swap(id, [&](Breaker breaker) { return breaker.given_back(Breaker(probe.word), now); });
}

Change ScopeTable::succeeded(std::size_t shard, ScopeId id, Client client, Probe probe, MonoTime now) {
  if (!id.tracked()) return Change::none;
  count_successes(shard, {&id, 1}, half_window(limits_, now).number);
  if (breaker(id).quiet()) return Change::none;
  const bool probed{probe};
  return tell(id, swap(id, [&](Breaker breaker) { return breaker.succeeded(client, probed, now); }), now);
}

Change ScopeTable::failed(std::size_t shard, ScopeId id, const ScopeFailure& failure, MonoTime now,
                          Random& random) {
  if (!id.tracked()) return Change::none;
  const HalfWindow half = half_window(limits_, now);
  auto& cell = this->cell(shard, id, half.number);
  const auto counted = WindowCell(cell.load(kRelaxed)).with_failure(half.number, failure.client.crowd());
  cell.store(counted.word(), kRelaxed);
  const BreakerFailure seen{.client = failure.client,
                            .severity = failure.severity,
                            .probe = static_cast<bool>(failure.probe),
                            .wish = failure.wish,
                            .jitter = random.unit(),
                            .window = window(id, half)};
  const BreakerLimits& limits = limits_of(id);
  return tell(id, swap(id, [&](Breaker breaker) { return breaker.failed(seen, limits, now); }), now);
}

Change ScopeTable::stated(ScopeId id, OpenReason reason, MonoTime now, Random& random) {
  const double jitter = random.unit();
  const auto next = [&](Breaker breaker) { return breaker.stated(reason, limits_, jitter, now); };
  return tell(id, swap(id, next), now);
}

Change ScopeTable::open(ScopeId id, OpenReason reason, MonoTime until, MonoTime now) {
  return tell(id, swap(id, [&](Breaker breaker) { return breaker.opened(reason, until); }), now);
}

Change ScopeTable::hold(ScopeId id, OpenReason reason, MonoTime now) {
  return tell(id, swap(id, [&](Breaker breaker) { return breaker.held(reason); }), now);
}

Change ScopeTable::reset(ScopeId id, MonoTime now) {
  return tell(id, swap(id, [&](Breaker) { return Breaker::reset(now); }), now);
}

Window ScopeTable::window(ScopeId id, HalfWindow half) const {
  Window window{.began = half.began};
  const auto before = static_cast<std::uint16_t>(half.number - 1);
  for (const auto& cells : cells_) {
    const std::size_t first = 2 * std::size_t{id.slot};
    const WindowCell now(cells[first + (half.number & 1)].load(kRelaxed));
    const WindowCell older(cells[first + (before & 1)].load(kRelaxed));
    if (now.half() == half.number) window.now.add(now);
    if (older.half() == before) window.before.add(older);
  }
  return window;
}

ProviderAdvice ScopeTable::providers(ScopeId model, Client client, MonoTime at) {
  ProviderAdvice advice;
  bool left = false;
  for (ScopeId id = names_.first_below(model); id.tracked(); id = names_.next_beside(id)) {
    const Gate gate = breaker(id).gate(client, at);
    left |= gate == Gate::closed;
    if (gate == Gate::closed) continue;
    if (gate == Gate::due)
      if (const auto probe = take_probe(id, client, at)) {
        advice.probes.push_back({id, *probe});
        continue;
      }
    advice.ignore.emplace_back(names_.at(id).name);
  }
  if (!left && advice.probes.empty()) advice.ignore.clear();
  return advice;
}

std::vector<ScopeState> ScopeTable::list(MonoTime now) const {
  std::vector<ScopeState> lines;
  for (std::uint32_t slot = 1; slot < names_.size(); ++slot) {
    const auto& named = names_.at({slot});
    const Breaker is = breaker({slot});
    ScopeState line{.id = {slot}, .kind = named.kind, .name = named.name, .state = is.state()};
    for (ScopeId up = named.parent; up.tracked(); up = names_.at(up).parent)
      line.above = names_.at(up).name + (line.above.empty() ? "" : " > ") + line.above;
    line.reason = is.reason();
    line.for_one_client = is.for_one_client();
    line.since = since_[slot].load(kRelaxed);
    if (blocks(is.state())) line.until = is.time(now);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<ChangeCount> ScopeTable::changes() const {
  std::vector<ChangeCount> counts;
  for (std::size_t kind = 0; kind < changes_.size(); ++kind)
    for (std::size_t change = 0; change < kChanges; ++change)
      for (std::size_t reason = 0; reason < kReasons; ++reason)
        if (const auto count = changes_[kind][change][reason].load(kRelaxed))
          counts.push_back({static_cast<Scope>(kind), static_cast<Change>(change),
                            static_cast<OpenReason>(reason), count});
  return counts;
}

}  // namespace gantry::route
