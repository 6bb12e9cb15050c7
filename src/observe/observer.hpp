#pragma once
// What the engine tells of its work, in verbs. One Observer a process, striped by shard: shard i is only
// written by its own thread (relaxed atomics), read by whoever scrapes. No prompt, answer or key ever comes
// this way.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/money.hpp"
#include "base/time.hpp"
#include "observe/breaker_figures.hpp"
#include "observe/money_figures.hpp"
#include "route/outcome.hpp"

namespace gantry::observe {

struct AttemptRecord {
  std::string_view model;  ///< as asked of upstream
  route::Outcome outcome = route::Outcome::delivered;
  int upstream_status = 0;  ///< 0 when no head came
  Duration took{};
};

/// One finished call. Views live during the call of call_ended() only.
struct CallRecord {
  std::string_view call_id;
  std::string_view dialect;  ///< "chat", "completions"
  std::string_view route;    ///< route name, or "-" for a plain id
  std::string_view model_asked;
  std::string_view model_served;  ///< empty when none answered
  std::string_view generation_id;
  route::Outcome outcome = route::Outcome::delivered;
  int status = 200;   ///< what the client saw
  bool ours = false;  ///< a bound of this gateway ended it: no evidence about upstream
  bool stream = false;
  int attempts = 0;
  int fallbacks = 0;  ///< of the attempts: at another model than the one before; the rest were retries
  Duration took{};
  MonoTime
      ended{};  ///< as the shard's loop has it; calls that end in the same turn share one look at the clock
  std::optional<Duration> first_token;
  std::optional<std::int64_t> prompt_tokens, completion_tokens;
  std::optional<PicoUsd> cost;  ///< nullopt = not known (never zero because unknown)
  std::size_t request_bytes = 0, reply_bytes = 0;
  std::string_view error;  ///< one line for people, empty when delivered
};

/// Passive evidence for /health/openrouter: calls that were answered, and calls that failed for a reason on
/// upstream's side. What the client caused (a bad request, a hang-up, refused content) is evidence of
/// neither.
struct Evidence {
  WallTime last_success{};  ///< epoch when there was none
  WallTime last_failure{};
  std::string success_model;  ///< that answered last
  std::string failure;        ///< the last failure's outcome
};

/// Gauges that somebody else owns, read at scrape.
struct Gauges {
  std::size_t client_connections = 0, active_requests = 0, active_calls = 0, upstream_open = 0,
              upstream_idle = 0, inflight_bytes = 0;
  std::size_t catalogue_models = 0;        ///< 0 while there is no catalogue
  std::optional<Duration> catalogue_age{}; /**< since it was fetched */
  BreakerFigures breakers{};
  MoneyFigures money{};
};

class Observer {
 public:
  Observer(const TimeSource& time, std::size_t shards);
  ~Observer();

  /// Configured models get their label before clients can fill the set of names (256, the rest is "other");
  /// at start and at reload, from any thread. A name that comes first with an attempt gets one too, unless
  /// upstream does not know that model.
  void name_models(std::span<const std::string> models);

  void call_started(std::size_t shard);
  void attempt_ended(std::size_t shard, const AttemptRecord& attempt);
  /// Counts, and writes the call's one log line.
  void call_ended(std::size_t shard, const CallRecord& call);
  /// A request refused before it was a call (validation, limits), by HTTP status.
  void refused(std::size_t shard, int status);

  [[nodiscard]] Evidence evidence() const;
  /// Calls that ended.
  [[nodiscard]] std::uint64_t calls() const;
  /// Prometheus text format 0.0.4. Label values come from enums and configured names, so cardinality is
  /// bounded.
  [[nodiscard]] std::string metrics_text(const Gauges& gauges, bool simulated) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::observe
