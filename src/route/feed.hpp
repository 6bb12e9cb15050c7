#pragma once
// What the end of one attempt tells each of its scopes' breakers (DESIGN §4): good, bad, or nothing. Pure.
//
// - An end counts as a failure at the verdict's own scope. A provider's failure counts for its model too:
//   the provider's breaker opens first, and the next answer by another provider ends the model's run.
// - A delivered answer is good news for every scope on its way. A failure further in, told by upstream in
//   a reply, is good news for the upstream, and for the key too when the model or a provider had already
//   been asked with it.
// - What speaks of the request, a cancelled attempt, and everything else say nothing; a probe is given
//   back.
// - Statements need no counting: a model that is gone, a key that is refused, a key without credit (held
//   until somebody sees credit and resets it), a spent allowance of `:free` calls (open as long as
//   upstream's wish).

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "route/scope_table.hpp"
#include "route/verdict.hpp"

namespace gantry::route {

enum class Sign : std::uint8_t { nothing, good, soft, hard };

/// What an end with this verdict says of a scope on its way. `answered`: upstream sent a reply, be it an
/// error.
Sign sign_at(Scope scope, const Verdict& verdict, bool answered);

/// The probes that an attempt took along.
struct Probes {
  Probe upstream{}, key{}, free_allowance{}, model{};
};

/// The scopes that an attempt went through, and the probes it took there. free_allowance is kUntracked for a
/// model that is not free.
struct Way {
  ScopeId upstream{}, key{}, free_allowance{}, model{};
  Probes probes{};
  std::span<const ProviderAdvice::Taken> providers{};  ///< from ScopeTable::providers
};

/// How the attempt ended.
struct End {
  const Verdict& verdict;
  bool answered = false;           ///< upstream sent a reply, be it an error
  Duration wish{};                 ///< see wish.hpp
  std::string_view served_by = {}; /**< the provider named by the answer; "" when none is */
};

/// What became of the breakers, for logs and alerts.
struct Changes {
  Change upstream = Change::none, key = Change::none, free_allowance = Change::none, model = Change::none,
         provider = Change::none;
  ScopeId provider_id{};
};

/// One call's reports: each scope hears at most one failure of a call, so that a call that tries again and
/// again weighs no more than another.
class CallFeed {
 public:
  CallFeed(ScopeTable& table, std::size_t shard, Client client)
      : table_(table), shard_(shard), client_(client) {}

  /// On the shard's thread, once for every attempt that a plan gave; also for one that was never made (with a
  /// cancelled verdict), whose probes go back.
  Changes ended(const Way& way, const End& end, MonoTime now, Random& random) {
    if (end.verdict.outcome == Outcome::delivered && delivered_quietly(way, end, now)) return {};
    return tell_all(way, end, now, random);
  }

 private:
  Changes tell_all(const Way& way, const End& end, MonoTime now, Random& random);
  bool delivered_quietly(const Way& way, const End& end, MonoTime now);
  Change tell(ScopeId id, Probe probe, Sign sign, const End& end, MonoTime now, Random& random);
  void tell_provider(const Way& way, const End& end, Changes& changes, MonoTime now, Random& random);
  ScopeId provider_of(ScopeId model, std::string_view name);
  bool stated(const Way& way, const End& end, Changes& changes, MonoTime now, Random& random);
  bool first_failure(ScopeId id);

  ScopeTable& table_;
  std::size_t shard_;
  Client client_;
  std::vector<ScopeId> failed_{};
};

}  // namespace gantry::route
