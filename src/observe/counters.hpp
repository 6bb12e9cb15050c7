#pragma once
// The observer's numbers: one block of counters a shard, written by that shard's thread alone, folded by
// whoever scrapes. Internal to src/observe.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "observe/model_names.hpp"
#include "route/outcome.hpp"

namespace gantry::observe {

/// One writer, any reader. Because nobody else writes, adding is a load and a store: no locked instruction.
class Counter {
 public:
  void add(std::uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Upper bounds in seconds: from a refused call (10 ms) over a short answer to the call's limit (600 s,
/// DESIGN §4).
inline constexpr std::array<double, 17> kBucketSeconds{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,   2,   4,
                                                       8,    15,    30,   60,  120,  300, 600, 1800};
inline constexpr std::size_t kBuckets = kBucketSeconds.size() + 1;  // the last has no bound

/// Counts by bucket, not cumulative, so that one observation touches one bucket and the sum.
template <class Number>
struct Buckets {
  std::array<Number, kBuckets> counts{};
  Number total_ns{};
};

inline constexpr auto kBucketNs = [] {
  std::array<std::uint64_t, kBuckets> bounds{};
  for (std::size_t i = 0; i < kBucketSeconds.size(); ++i)
    bounds[i] = static_cast<std::uint64_t>(kBucketSeconds[i] * 1000 + 0.5) * 1'000'000;
  bounds.back() = std::numeric_limits<std::uint64_t>::max();
  return bounds;
}();

/// By the number of binary digits of a duration, the first bucket that may hold it: bounds are a good step
/// apart, so that one or two comparisons then find it.
inline constexpr auto kFirstBucket = [] {
  std::array<std::uint8_t, 65> first{};
  for (std::size_t digits = 1; digits < first.size(); ++digits)
    while (kBucketNs[first[digits]] < std::uint64_t{1} << (digits - 1)) ++first[digits];
  return first;
}();

/// The bucket of a duration: the first whose bound is not below it (Prometheus: `le`).
constexpr std::size_t bucket_of(std::uint64_t ns) {
  std::size_t bucket = kFirstBucket[static_cast<std::size_t>(std::bit_width(ns))];
  while (ns > kBucketNs[bucket]) ++bucket;
  return bucket;
}

enum class Dialect { chat, completions, other };
inline constexpr std::size_t kDialects = 3;
enum class StatusClass { success, client_error, server_error, other };
inline constexpr std::size_t kStatusClasses = 4;
inline constexpr int kFirstRefusal = 400, kRefusals = 200;  // HTTP 400 to 599

/// Everything that is counted; Number is Counter in a shard and std::uint64_t in a fold. What every call
/// touches stands together.
template <class Number>
struct Numbers {
  Number started{}, ended{};
  Number retries{}, fallbacks{};
  Number prompt_tokens{}, completion_tokens{}, unknown_usage{};
  Number pico_usd{}, unknown_cost{};
  Number request_bytes{}, reply_bytes{};
  std::array<std::array<std::array<Number, 2>, kStatusClasses>, kDialects>
      calls{};  // [dialect][class][stream]
  std::array<Number, route::kOutcomes> outcomes{};
  Buckets<Number> call_time{}, first_token{}, attempt_time{};
  std::array<std::array<Number, route::kOutcomes>, kModelSlots> attempts{};
  std::array<Number, kRefusals> refused{};
  Number refused_other{};  // a status that is no 4xx or 5xx
};
using Totals = Numbers<std::uint64_t>;

}  // namespace gantry::observe
