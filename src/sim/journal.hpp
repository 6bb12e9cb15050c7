#pragma once
// What the simulator saw, for tests and drills: one entry an attempt, secrets masked. Bounded; thread-safe.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/time.hpp"
#include "net/headers.hpp"
#include "sim/ring.hpp"

namespace gantry::sim {

/// One request as it came and as it ended.
struct Attempt {
  std::uint64_t number = 0;  ///< from 1, in order of arrival
  Duration began{};          ///< since the simulator's start, or the last reset
  std::string method, path, model, provider, faults, generation;
  std::vector<std::string> ignored;                          ///< the request's provider.ignore
  std::vector<std::pair<std::string, std::string>> headers;  ///< Authorization and the like masked
  std::string body_sha256;                                   ///< lower-case hex; empty without a body
  std::size_t body_bytes = 0;
  int status = 0;  ///< 0 while nothing was answered
  std::size_t bytes_sent = 0;
  bool streamed = false;
  bool finished = false;        ///< the whole reply left
  bool cancelled = false;       ///< the client hung up before that
  std::optional<PicoUsd> cost;  ///< what its generation was charged; nullopt = nothing
  std::optional<Duration> cancelled_at, ended;
};

class Journal {
 public:
  explicit Journal(std::size_t keep) : ring_(keep) {}

  std::uint64_t begin(Attempt attempt);
  /// Replaces what changes in an entry; nothing when it was forgotten.
  template <class Change>
  void update(std::uint64_t number, Change change) {
    const std::lock_guard lock(mutex_);
    if (auto* entry = ring_.find(number)) change(*entry);
  }

  /// All entries after `after`, oldest first.
  [[nodiscard]] std::vector<Attempt> entries(std::uint64_t after = 0) const;
  /// {"attempts":[…],"seen":N,"dropped":N}
  [[nodiscard]] std::string json(std::uint64_t after = 0) const;
  void clear();

 private:
  mutable std::mutex mutex_;
  Ring<Attempt> ring_;
};

/// The header fields of a request for the journal: what may hold a secret shows only enough to be recognised.
std::vector<std::pair<std::string, std::string>> masked_headers(const net::HeaderView& headers);

}  // namespace gantry::sim
