#pragma once
// One scope's breaker (DESIGN §4, "scope"; §7, "packed state word") as a 64-bit value with pure
// transitions: a word goes in, a word comes out, and the shared table (scope_table.hpp) swaps it in with
// one compare and exchange. Pure.
//
// States. closed: everything passes. open: nothing passes until a time. Past it the breaker is due: the
// next call that wants to pass takes the one probe, which is a real attempt of its own. probing: that
// attempt is under way and nothing else passes. A probe that succeeds closes; one that fails opens for
// longer; one whose end says nothing of this scope is given back; one that never reports expires. held:
// open until somebody says otherwise (a key without credit).
//
// What opens it:
// - a run: `run` hard failures in a row, by anybody, with no success between them. On a scope with many
//   successes lately it takes up to two more, since among many calls unlucky runs are common;
// - the rate: failures ≥ `rate` of at least `samples` ends in the last one to two half-windows;
// - a definite statement (opened(), stated(), held()).
//
// Whose failures count. No client may open a breaker for others by its own requests (DESIGN §4). A
// client's failures count at most ⌈needed/2⌉ times in a run, and in a rate at most as often as those of
// all others together. When one client's failures alone would do, the breaker opens for that client only:
// its calls go elsewhere, everybody else's pass as before, and failures of others in a row then open it
// for all. A process with a single client is thus served as well as one with many. Clients are told apart
// by five crowds and a tag of eight bits: two clients may be taken for one (a slower opening, or one that
// they share), one is never taken for two.
//
// Time is counted in steps of 100 ms from the origin of the monotonic clock, in 32 bits, and compared by
// signed difference: times up to 6.8 years apart are told apart rightly, and the count comes round after
// 13.6.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"
#include "route/window.hpp"

namespace gantry::route {

/// Who a call is counted for: a hash of its client key where there are client keys, else of the client's
/// address where addresses tell clients apart, else 0. Calls with 0 count each as a client of its own, since
/// nobody can be told from another.
struct Client {
  std::uint64_t hash = 0;
  [[nodiscard]] int crowd() const { return hash == 0 ? -1 : static_cast<int>((hash >> 32) % kCrowds); }
  [[nodiscard]] std::uint8_t tag() const { return hash == 0 ? 0 : static_cast<std::uint8_t>(1 + hash % 255); }
  bool operator==(const Client&) const = default;
};

/// Why a breaker is, or was last, open.
enum class OpenReason : std::uint8_t {
  none,
  run,           ///< hard failures in a row
  rate,          ///< too many failures among the ends of the window
  gone,          ///< the model does not exist any more
  free_cap,      ///< no more `:free` calls for now
  bad_key,       ///< the key is not accepted
  out_of_money,  ///< no credit is left
  told,          ///< an operator set it
};
std::string_view name(OpenReason reason);

struct BreakerLimits {
  int run = 5;           ///< 2 … 5
  int provider_run = 3;  ///< a provider opens, and is avoided, before its model does
  double rate = 0.5;
  std::uint32_t samples = 10;
  Duration half_window = std::chrono::seconds{15};
  Duration open = std::chrono::seconds{5};  ///< the first time; doubled with each failed probe …
  Duration longest_open = std::chrono::seconds{60};
  Duration longest_wish = std::chrono::minutes{5};  ///< of upstream to be left alone
  Duration gone = std::chrono::minutes{10};         ///< a model that is gone: the first time; doubled …
  Duration longest_gone = std::chrono::hours{1};
  Duration bad_key = std::chrono::seconds{30};  ///< a key that is refused: a 401 may be upstream's own fault
  Duration longest_bad_key = std::chrono::minutes{10};
  double jitter = 0.25;                       ///< every opening is up to this much longer
  Duration probe = std::chrono::seconds{60};  ///< a probe that has not reported by then is lost
  Duration calm = std::chrono::minutes{5};    ///< closed for so long, the doubling starts again
};

/// How much a failure says. Soft ones count in the rate only.
enum class Severity : std::uint8_t { soft, hard };

/// What the scope's cells hold, and since when.
struct Window {
  WindowCounts now{};     ///< this half-window, with the failure in it
  WindowCounts before{};  ///< the one before
  MonoTime began{};       ///< of this half-window
};
/// The number of the half-window that `now` lies in, and its beginning.
struct HalfWindow {
  std::uint16_t number;
  MonoTime began;
};
HalfWindow half_window(const BreakerLimits& limits, MonoTime now);

/// One failed attempt as one scope sees it. A call reports each scope once (feed.hpp).
struct BreakerFailure {
  Client client{};
  Severity severity = Severity::hard;
  bool probe = false;  ///< this attempt was the scope's probe
  Duration wish{};     ///< upstream wishes to be left alone for so long; heeded if the breaker opens
  double jitter = 0;   ///< drawn from [0, 1)
  Window window{};
};

/// May a call pass?
enum class Gate : std::uint8_t { closed, due, open };

class Breaker {
 public:
  using Word = std::uint64_t;
  enum class State : std::uint8_t { closed, open, probing, held };

  /// 0 is closed and fresh.
  constexpr explicit Breaker(Word word = 0) : word_(word) {}
  [[nodiscard]] constexpr Word word() const { return word_; }
  [[nodiscard]] constexpr State state() const { return static_cast<State>(word_ & 3); }
  /// Closed without a run: a success changes nothing, and nothing needs to be read any further.
  [[nodiscard]] constexpr bool quiet() const { return (word_ & (3 | kRunMask)) == 0; }
  [[nodiscard]] OpenReason reason() const;
  [[nodiscard]] bool for_one_client() const;
  /// Open: until when. Probing: until when the probe must have reported. Held: kNever. Closed: since when.
  [[nodiscard]] MonoTime time(MonoTime now) const;

  [[nodiscard]] Gate gate(Client client, MonoTime now) const;

  /// After an attempt that succeeded.
  [[nodiscard]] Breaker succeeded(Client client, bool probe, MonoTime now) const;
  [[nodiscard]] Breaker failed(const BreakerFailure& failure, const BreakerLimits& limits,
                               MonoTime now) const;

  /// Takes the probe for an attempt that begins at `at`; nullopt when the breaker is not due for this client.
  [[nodiscard]] std::optional<Breaker> probed(Client client, const BreakerLimits& limits, MonoTime at) const;
  /// The attempt that took the probe and left the word at `taken` said nothing of this scope: the breaker is
  /// due again. Unchanged when the probe is not under way any more.
  [[nodiscard]] Breaker given_back(Breaker taken, MonoTime now) const;

  /// Open for everybody until `until`, or longer if it was.
  [[nodiscard]] Breaker opened(OpenReason reason, MonoTime until) const;
  /// After a definite statement (gone or bad_key): open for everybody, twice as long each time that a probe
  /// hears it again.
  [[nodiscard]] Breaker stated(OpenReason reason, const BreakerLimits& limits, double jitter,
                               MonoTime now) const;
  [[nodiscard]] Breaker held(OpenReason reason) const;
  /// Closed and fresh, whatever it was. What the window holds from before counts no more.
  [[nodiscard]] static Breaker reset(MonoTime now);

  bool operator==(const Breaker&) const = default;

 private:
  static constexpr Word kRunMask = Word{0x7fff} << 17;

  Word word_;
};

}  // namespace gantry::route
