#pragma once
// Which model to ask next, with which key, when, and until when: the plan of one call (DESIGN §4). Pure:
// the breakers and the process's retry budget are looked at through Shared, time and randomness are
// arguments.
//
//   Plan plan(chain, limits, deadline);
//   Step step = plan.first(now, shared);
//   while (const auto* next = std::get_if<Try>(&step)) {
//     …wait until next->at, ask, give up at next->until…
//     feed.ended(plan.way(*next), end, now, random);           // breakers first: they may have just opened
//     if (delivered) break;
//     step = plan.next({verdict, wish}, now, shared, random);
//   }
//
// Order. The chain in its order, then again after jittered pauses: a model that was not asked yet answers
// sooner than one that must be left alone for a while, so upstream's wish to wait is only waited for when
// nobody else is left. So a repetition never takes the last attempt of a model that was not asked.
// - A refused or empty key: the same model with the next key at once; else another upstream; without
//   money, a `:free` model of the chain too. A model with another key is not a repetition.
// - An upstream that failed as a whole: first the models of other upstreams, then its own, after a pause.
// - Repetitions: full jitter below base × 2ⁿ, or upstream's wish if that is later; whoever may be asked
//   soonest, of equals the one that was asked least. They need the process's budget; a model's first
//   attempt does not.
//
// Breakers. Nothing inside an open one is asked. One that is due may be probed, in the chain's order, so a
// recovered primary has the next call; a call that has spent a probe prefers closed ones. If nothing
// passes, Stop comes at once.
//
// Time. Every attempt leaves each model that was not asked yet 10 s of the call, or an equal part of a
// call that is too short for that. A pause comes out of the share of the model that is asked behind it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "base/random.hpp"
#include "base/time.hpp"
#include "route/feed.hpp"
#include "route/retry_budget.hpp"
#include "route/scope_table.hpp"
#include "route/verdict.hpp"

namespace gantry::route {

struct KeyScopes {
  ScopeId key{}, free_allowance{};
};
/// An upstream as one call sees it.
struct Source {
  ScopeId scope{};
  std::span<const KeyScopes> keys{};  ///< none: one key that is not tracked
  std::size_t first_key = 0;          ///< where this call begins (weights); the others follow in a ring
};
/// A model of the chain.
struct Candidate {
  ScopeId model{};
  std::uint32_t source = 0;  ///< index into Chain::sources
  bool is_free = false;
  bool cannot = false;       ///< do what the request needs (capability.hpp): never asked
  std::int64_t context = 0;  ///< tokens; 0 when not known
};
/// Both outlive the plan. What a candidate cannot do, and its context, may become known later: the plan looks
/// at it anew each time.
struct Chain {
  std::span<const Source> sources;
  std::span<const Candidate> candidates;  ///< at least one
};

struct PlanLimits {
  int retries = 3;  ///< the allowance is max(1 + retries, models in the chain that can do the call)
  Duration base_delay = std::chrono::milliseconds{500};
  Duration max_delay = std::chrono::seconds{8};
  Duration share = std::chrono::seconds{10};
  bool fallback_on_policy = false;  ///< may refused content be asked of another model?
};

/// What a plan looks at beyond its own call.
struct Shared {
  ScopeTable& scopes;
  RetryBudget& retries;
  Client client{};
};

/// Why this is asked next.
enum class Because : std::uint8_t { first, next_model, next_key, same_model, mended };
/// Why nothing is.
enum class Halt : std::uint8_t { answered, begun, tries, time, breakers, keys, asked, budget };
/// Why a model of the chain was passed over.
enum class Skip : std::uint8_t {
  none,
  cannot,
  upstream_open,
  key_open,
  model_open,
  key_refused,
  no_credit,
  free_cap,
  too_small,
  not_again,
  too_late
};
/// In words, for x-gantry-explain.
std::string_view text(Because because);
std::string_view text(Halt halt);
std::string_view text(Skip skip);

/// Ask `candidate` with `key` (indices into the chain and its source's keys) at `at`, and give up at `until`.
struct Try {
  std::size_t candidate = 0;
  std::size_t key = 0;
  MonoTime at{}, until{};
  Because because = Because::first;
  Probes probes{};
};
/// Nothing is left to ask; what happened last is the answer.
struct Stop {
  Halt why = Halt::asked;
  Duration retry_after{};  ///< when the first breaker of the chain may close; at least a second
};
using Step = std::variant<Try, Stop>;

/// How an attempt ended.
struct Report {
  const Verdict& verdict;
  Duration wish{};      ///< upstream's, see wish.hpp
  bool begun = false;   ///< a byte of the answer has reached the client
  bool mended = false;  ///< the request can be sent again in a form that this end does not speak of
                        ///< (max_tokens cut to what is affordable); heeded once a call, beyond its
                        ///< allowance
};

class Plan {
 public:
  /// Nothing is asked at or after `deadline`.
  Plan(const Chain& chain, PlanLimits limits, MonoTime deadline);
  Plan(Plan&&) noexcept;
  ~Plan();

  /// Whether first() asks the chain's first model, because nothing on its way is open: the usual case.
  [[nodiscard]] bool first_is_clear(const Shared& shared) const;
  [[nodiscard]] Step first(MonoTime now, const Shared& shared);
  /// After the last try ended.
  [[nodiscard]] Step next(const Report& report, MonoTime now, const Shared& shared, Random& random);

  /// The scopes that a try goes through, for the feed.
  [[nodiscard]] Way way(const Try& attempt) const;
  [[nodiscard]] int attempts() const { return attempts_; }
  [[nodiscard]] int allowance() const;
  /// Why a model was passed over when it was last looked at; none when it was asked.
  [[nodiscard]] Skip skipped(std::size_t candidate) const;

 private:
  class Trouble;

  [[nodiscard]] Step choose(MonoTime now, const Shared& shared, Random* random);
  [[nodiscard]] Try begin(std::size_t candidate, std::size_t key, MonoTime at, MonoTime until,
                          Because because);
  [[nodiscard]] MonoTime before(std::int64_t others) const;
  [[nodiscard]] Stop stop(Halt why, MonoTime now, const Shared& shared) const;
  Trouble& trouble();

  Chain chain_;
  PlanLimits limits_;
  MonoTime deadline_;
  Duration share_{};  // of each model: limits_.share, or an equal part of a call too short for that
  int attempts_ = 0;
  std::uint32_t last_candidate_ = 0, last_key_ = 0;
  // What a call knows that met a failure or an open breaker; the others need none, and no memory.
  std::unique_ptr<Trouble> trouble_;
};

}  // namespace gantry::route
