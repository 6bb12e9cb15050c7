#pragma once
// What the simulator's handlers share. Its parts are thread-safe or immutable.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sim/account.hpp"
#include "sim/catalogue.hpp"
#include "sim/free_limit.hpp"
#include "sim/generations.hpp"
#include "sim/journal.hpp"
#include "sim/managed_keys.hpp"
#include "sim/script.hpp"
#include "sim/simulator.hpp"

namespace gantry::sim {

/// Which replies the response cache would hold (CONTRACT §10.3). Only their keys: answers are deterministic
/// anyway.
class ReplyCache {
 public:
  struct Hit {
    std::string source_id;
    std::int64_t age_seconds, ttl_seconds;
  };
  [[nodiscard]] std::optional<Hit> find(const std::string& key, MonoTime now) const;
  void put(const std::string& key, std::string generation_id, MonoTime now, std::int64_t ttl_seconds);
  void erase(const std::string& key);
  void clear();

 private:
  struct Entry {
    std::string id;
    MonoTime stored, until;
  };
  static constexpr std::size_t kMost = 4096;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

struct Simulator::World {
  World(const TimeSource& t, SimOptions o, Catalogue c, std::optional<PicoUsd> limit)
      : time(t),
        options(std::move(o)),
        catalogue(std::move(c)),
        accounts({.limit = limit, .reset = parse_limit_reset(options.limit_reset)}),
        free_calls(options.free_per_minute),
        journal(options.journal_entries),
        start(time.mono()),
        script_start(start) {}

  const TimeSource& time;
  SimOptions options;
  Catalogue catalogue;
  Accounts accounts;
  FreeLimit free_calls;
  Generations generations;
  Journal journal;
  ManagedKeys keys;
  ReplyCache cache;
  ReplyCache prompts;  ///< which prefixes the prompt cache would hold, in the same way
  std::atomic<std::uint64_t> answers{0}, made_keys{0};
  MonoTime start;

  void set_script(std::shared_ptr<Script> next);
  /// Errors: bad_input with every wrong line.
  Result<void> run_script(std::string_view text);
  /// The script's faults for a request that arrives now.
  [[nodiscard]] FaultSet script_faults(std::string_view path, bool completion, std::string_view model);
  void restart();
  /// Lists the key of `--key` among those that the management API knows.
  void adopt_key();
  /// sk-or-v1-<64 hex digits>: the same in every run with this seed and order.
  [[nodiscard]] std::string new_key();
  [[nodiscard]] KeyTerms terms(std::string_view key) const;
  [[nodiscard]] KeyUsage usage(std::string_view key, WallTime now) const;
  /// Since the start or the last reset.
  [[nodiscard]] Duration elapsed() const;
  /// gen-<seconds>-<20 characters>: unique within a run, and the same in every run with this seed and order.
  [[nodiscard]] std::string generation_id();

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Script> script_;
  MonoTime script_start;
};

/// SHA-256 in lower-case hex, and its first eight bytes as a number.
struct Digest {
  std::string hex;
  std::uint64_t head = 0;
};
Digest sha256(std::string_view bytes);

}  // namespace gantry::sim
