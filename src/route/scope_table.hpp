#pragma once
// The one table of scopes that all shards share (DESIGN §7): for each interned scope the breaker's word,
// changed by compare and exchange, and each shard's own counts. Nothing here waits; the healthy path reads
// words and adds to a cell that no other thread writes. Pure: time and randomness are arguments.
//
// Threads: a function with a `shard` is called by that shard's thread only; everything else by any.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "route/breaker.hpp"
#include "route/scope_names.hpp"

namespace gantry::route {

/// A scope's one probe, held by the attempt that took it: the word as it left it, so that only its own probe
/// is given back. Empty when the breaker was closed.
struct Probe {
  Breaker::Word word = 0;
  explicit operator bool() const { return word != 0; }
  bool operator==(const Probe&) const = default;
};

/// What a report did to a breaker, for logs and alerts.
enum class Change : std::uint8_t { none, opened, reopened, closed };
std::string_view name(Change change);

/// How often breakers of one kind changed so.
struct ChangeCount {
  Scope kind = Scope::upstream;
  Change change = Change::none;
  OpenReason reason = OpenReason::none;  ///< of a closed one: why it was open
  std::uint64_t count = 0;
  bool operator==(const ChangeCount&) const = default;
};

struct ScopeFailure {
  Client client{};
  Severity severity = Severity::hard;
  Probe probe{};
  Duration wish{};
};

/// One line of the operators' list.
struct ScopeState {
  ScopeId id{};
  Scope kind = Scope::upstream;
  std::string name{};   ///< its own
  std::string above{};  ///< what it lies in: "", "openrouter", "openrouter > author/model"
  Breaker::State state = Breaker::State::closed;
  OpenReason reason = OpenReason::none;
  bool for_one_client = false;
  MonoTime since{};  ///< of the last opening or closing; MonoTime::min() when there was none
  MonoTime until{};  ///< open: due then; probing: the probe is lost then; held: kNever; closed: nothing
};

/// What a request for a model says about its providers (`provider.ignore`).
struct ProviderAdvice {
  /// Those inside an open breaker; none when all that are known are, since ignoring every one is a 404 of our
  /// own making. The names live as long as the table.
  std::vector<std::string_view> ignore{};
  struct Taken {
    ScopeId id;
    Probe probe;
  };
  std::vector<Taken> probes{};  ///< due ones: not ignored this once
};

class ScopeTable {
 public:
  explicit ScopeTable(std::size_t shards, BreakerLimits limits = {}, ScopeBounds bounds = {});

  [[nodiscard]] ScopeNames& names() { return names_; }
  [[nodiscard]] const ScopeNames& names() const { return names_; }
  [[nodiscard]] const BreakerLimits& limits() const { return limits_; }

  [[nodiscard]] Breaker breaker(ScopeId id) const {
    return Breaker(words_[id.slot].load(std::memory_order_relaxed));
  }

  /// For an attempt that begins at `at`; nullopt when another was faster, or the breaker is not due.
  std::optional<Probe> take_probe(ScopeId id, Client client, MonoTime at);
  /// After an attempt whose end says nothing of this scope, or that was never made.
  void give_back(ScopeId id, Probe probe, MonoTime now);

  Change succeeded(std::size_t shard, ScopeId id, Client client, Probe probe, MonoTime now);
  /// The same where there are no probes and all breakers are quiet: successes are counted, and that is all.
  /// `half` is the number of the half-window.
  void count_successes(std::size_t shard, std::span<const ScopeId> ids, std::uint16_t half) {
    std::atomic<std::uint64_t>* const cells = cells_[shard].get() + (half & 1);
    for (const ScopeId id : ids) {
      auto& own = cells[2 * std::size_t{id.slot}];
      const WindowCell counted(own.load(std::memory_order_relaxed));
      own.store(counted.with_success(half).word(), std::memory_order_relaxed);
    }
  }
  Change failed(std::size_t shard, ScopeId id, const ScopeFailure& failure, MonoTime now, Random& random);
  /// Upstream stated that the model is gone, or that the key is bad.
  Change stated(ScopeId id, OpenReason reason, MonoTime now, Random& random);

  /// Set and reset by those who know: the free cap until midnight, a key without credit, an operator.
  Change open(ScopeId id, OpenReason reason, MonoTime until, MonoTime now);
  Change hold(ScopeId id, OpenReason reason, MonoTime now);
  Change reset(ScopeId id, MonoTime now);

  /// Which providers of `model` the next request should not be sent to.
  ProviderAdvice providers(ScopeId model, Client client, MonoTime at);

  /// Every scope, in the order in which they came.
  [[nodiscard]] std::vector<ScopeState> list(MonoTime now) const;
  /// What has changed since the start of the process, by anybody; what never happened is left out.
  [[nodiscard]] std::vector<ChangeCount> changes() const;

 private:
  static constexpr std::size_t kChanges = static_cast<std::size_t>(Change::closed) + 1;
  static constexpr std::size_t kReasons = static_cast<std::size_t>(OpenReason::told) + 1;
  struct Swap {
    Breaker before, after;
  };
  template <class Next>
  Swap swap(ScopeId id, Next next);
  Change tell(ScopeId id, const Swap& swap, MonoTime now);
  [[nodiscard]] std::atomic<std::uint64_t>& cell(std::size_t shard, ScopeId id, std::uint16_t half) {
    return cells_[shard][2 * std::size_t{id.slot} + (half & 1)];
  }
  [[nodiscard]] Window window(ScopeId id, HalfWindow half) const;

  [[nodiscard]] const BreakerLimits& limits_of(ScopeId id) const {
    const Scope kind = names_.at(id).kind;
    if (kind == Scope::provider) return provider_limits_;
    return kind == Scope::upstream ? upstream_limits_ : limits_;
  }

  const BreakerLimits limits_, provider_limits_, upstream_limits_;
  ScopeNames names_;
  std::unique_ptr<std::atomic<Breaker::Word>[]> words_;
  std::unique_ptr<std::atomic<MonoTime>[]> since_;
  std::vector<std::unique_ptr<std::atomic<std::uint64_t>[]>> cells_;  // by shard; two a scope
  // Changes are rare: one number for all shards will do.
  std::array<std::array<std::array<std::atomic<std::uint64_t>, kReasons>, kChanges>, kScopes> changes_{};
};

}  // namespace gantry::route
