#pragma once
// What /health, /ready and /health/openrouter say. Pure: evidence, settings and the moment go in, a status
// and a body come out; the probe itself is sent by the caller.

#include <optional>
#include <string>

#include "base/time.hpp"
#include "config/config.hpp"
#include "observe/observer.hpp"

namespace gantry::gateway {

struct HealthReply {
  int status;        ///< HTTP
  std::string body;  ///< one JSON object
};

/// How the last probe ended: a completion of a few tokens asked of the default route's primary.
struct ProbeResult {
  WallTime at{};      ///< when it ended
  std::string model;  ///< that was asked
  bool answered = false;
  std::string error;  ///< for people; empty when it answered
};

/// What the process knows of its probes. One a process, guarded by whoever shares it between shards.
struct ProbeState {
  std::optional<WallTime> begun;  ///< the last probe's start
  bool in_flight = false;         ///< set with `begun`, cleared with `last`
  std::optional<ProbeResult> last;
};

enum class ProbeDecision {
  use_what_is_known,  ///< answer now
  start,              ///< note `begun` and `in_flight`, probe for at most Health::probe_time, then answer
  join,               ///< another request's probe is under way: wait for that one, then answer
};

/// Asking costs nothing while there is traffic: a probe starts only when probes are on, no call within the
/// window says anything (good or bad), and none began within the window. One at a time.
ProbeDecision decide_probe(const observe::Evidence& traffic, const config::Health& health,
                           const ProbeState& probes, WallTime now);

/// GET /health/openrouter. Only what happened within the window counts, traffic before the probe:
///
///   a completion came              200 healthy    response_received true
///   only failures                  503 unhealthy  with the error
///   nothing at all                 200 unknown    response_received false
///
/// One success outweighs failures in the same window, so that a single failed call does not take a working
/// gateway out of a pool; the window is therefore also the time in which an outage is noticed. Silence is not
/// sickness: an idle replica that answered 503 would be taken out of rotation, would see no traffic, and
/// could never become healthy again; an idle night would page somebody. Who wants 200 only after a real
/// reply, as the checklist's route has it, turns `health.probe` on: then silence ends in a probe, and its
/// result is evidence. A clock that was stepped back makes evidence from the future: it counts while it is
/// within one window, too.
HealthReply openrouter_health(const observe::Evidence& traffic, const config::Health& health,
                              const std::optional<ProbeResult>& probe, bool simulated, WallTime now);

/// GET /health: 200 as long as the process can answer at all. Says nothing of OpenRouter.
HealthReply alive(bool simulated);

struct Readiness {
  bool config_loaded = true;
  bool draining = false;
  bool simulated = false;
};
/// GET /ready: 200 when new calls are welcome. OpenRouter's state is left out: a dependency that all replicas
/// share must not empty the pool (DESIGN §6).
HealthReply ready(const Readiness& state);

}  // namespace gantry::gateway
