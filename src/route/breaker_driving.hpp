#pragma once
// A breaker with one shard's cells, driven by hand; for tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "route/breaker.hpp"

namespace gantry::route {

inline const MonoTime kStart{std::chrono::seconds{1000}};
inline const BreakerLimits kLimits;

// Clients whose crowds are 0 … 4, the next five again.
inline Client client(int number) {
  return {(static_cast<std::uint64_t>(number % kCrowds) << 32) + static_cast<std::uint64_t>(number)};
}

class Driven {
 public:
  MonoTime now = kStart;

  void fail(Client who = {}, Severity severity = Severity::hard) { end(who, severity, false, {}); }
  void fail_probe(Client who = {}, Duration wish = {}) { end(who, Severity::hard, true, wish); }
  void fails(int times, Client who = {}) {
    for (int i = 0; i < times; ++i) fail(who);
  }
  void succeed(Client who = {}, bool probe = false) {
    cell() = cell().with_success(half_window(kLimits, now).number);
    word = word.succeeded(who, probe, now);
  }
  void succeeds(int times, Client who = {}) {
    for (int i = 0; i < times; ++i) succeed(who);
  }
  bool probe(Client who = {}) {
    const auto taken = word.probed(who, kLimits, now);
    if (taken) word = *taken;
    return taken.has_value();
  }
  [[nodiscard]] Gate gate(Client who = {}) const { return word.gate(who, now); }
  void pass(Duration time) { now += time; }
  /// Waits until the breaker is due, and fails the probe.
  void fail_next_probe() {
    now = std::max(now, word.time(now));
    ASSERT_TRUE(probe());
    fail_probe();
  }

  Breaker word;

 private:
  WindowCell& cell() { return cells_[half_window(kLimits, now).number & 1]; }
  void end(Client who, Severity severity, bool probe, Duration wish) {
    const auto half = half_window(kLimits, now);
    cell() = cell().with_failure(half.number, who.crowd());
    Window window{.began = half.began};
    window.now.add(cell());
    const WindowCell other = cells_[(half.number - 1) & 1];
    if (other.half() == static_cast<std::uint16_t>(half.number - 1)) window.before.add(other);
    word = word.failed({.client = who, .severity = severity, .probe = probe, .wish = wish, .window = window},
                       kLimits, now);
  }

  WindowCell cells_[2];
};

}  // namespace gantry::route
