#pragma once
// What GET /generation tells (CONTRACT §4.6): records of finished and cancelled answers, not there at once.
// Bounded; thread-safe; time is handed in.

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.hpp"
#include "sim/answer.hpp"
#include "sim/ring.hpp"

namespace gantry::sim {

struct Generation {
  std::string id, key, model, provider, service_tier, finish, native, user_agent, referer;
  bool streamed = false, cancelled = false;
  Usage usage;
  Bill bill;
  WallTime created{};
  Duration latency{}, generation_time{};
  MonoTime visible_from{};
  std::int64_t hidden_asks = 0;  ///< so many times it is not found, though it is visible
};

class Generations {
 public:
  Generations() : ring_(kKeep) {}
  void put(Generation generation);
  /// The record, once it is visible and was asked for often enough, and only to the key that made it.
  std::optional<Generation> find(std::string_view id, std::string_view key, MonoTime now);
  void clear();

 private:
  static constexpr std::size_t kKeep = 10'000;
  std::mutex mutex_;
  Ring<Generation> ring_;
  std::unordered_map<std::string, std::uint64_t> by_id_;
};

/// `{"data":{…}}`.
std::string generation_json(const Generation& generation);

/// 2026-01-31T12:00:00.000Z
std::string iso_time(WallTime time);

}  // namespace gantry::sim
