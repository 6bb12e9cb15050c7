#pragma once
// A faithful OpenRouter with faults on demand (CONTRACT, all of it that DESIGN names). Serves on any loop;
// usable in process by tests (port 0, serve.hpp) and alone as `gantry sim`.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "base/time.hpp"
#include "sim/free_limit.hpp"
#include "sim/journal.hpp"

namespace gantry::net {
class Exchange;
}

namespace gantry::sim {

struct SimOptions {
  std::uint64_t seed = 1;
  std::string catalogue_file = "";  ///< a models list in OpenRouter's own format; empty = the built-in one
  std::string script_file = "";     ///< a fault timeline (script.hpp); empty = none
  std::string key = "";             ///< accept only this inference key; empty = any sk-or-… key
  Duration first_token = std::chrono::milliseconds{0};  ///< latency model: time to first token
  double tokens_per_second = 0;                         ///< 0 = at once
  double jitter = 0;                                    ///< 0..1, share of each delay
  std::string key_limit = "100";                        ///< USD that each key may spend; empty = no limit
  std::string limit_reset = "monthly";                  ///< daily, weekly, monthly; empty = never
  std::int64_t free_per_minute = kFreeCallsAMinute;     ///< calls of `:free` models; 0 = no limit
  Duration generation_delay = std::chrono::milliseconds{500};     ///< how long /generation answers 404
  Duration cancelled_generation_delay = std::chrono::seconds{5};  ///< the same for a cancelled stream
  std::size_t journal_entries = 10'000;                           ///< 0 = keep no journal
};

/// State is shared by all shards that serve it and is thread-safe. handle() answers one request on its
/// exchange's loop.
class Simulator {
 public:
  /// Errors: bad_input naming the file, line and remedy.
  static Result<std::unique_ptr<Simulator>> create(const TimeSource& time, SimOptions options);
  ~Simulator();

  Task<void> handle(net::Exchange& exchange);

  /// What was seen so far, as GET /sim/journal tells it.
  [[nodiscard]] std::vector<Attempt> attempts() const;
  /// Replaces the fault timeline; its clock starts now. Errors: bad_input with every wrong line.
  Result<void> run_script(std::string_view text);
  /// Forgets journal, generations, spending, made keys and cached replies; the script's clock starts again.
  void reset();

  /// The envelope for what the HTTP server itself refuses (net::RefusalBody).
  static std::string refusal(int status, const Failure& why);

  struct World;

 private:
  explicit Simulator(std::unique_ptr<World> world);
  std::unique_ptr<World> world_;
};

}  // namespace gantry::sim
