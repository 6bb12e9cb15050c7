#pragma once
// The four ways to load: saturate (closed loop), pace (open loop), stream, hold. Each prints one line of
// JSON.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "load/caller.hpp"
#include "load/request.hpp"
#include "load/tally.hpp"

namespace gantry::bench {

struct Plan {
  int port = 0;
  std::size_t connections = 64;
  double warmup_s = 0.3;
  double seconds = 2;
  std::int64_t requests = 0;  ///< saturate: ends after so many served ones; 0 = by time
  double rate = 2000;         ///< pace: calls a second
  std::int64_t tokens = 100;  ///< stream and hold: of each stream
  double tokens_per_second = 50;
  std::vector<std::size_t> steps;  ///< hold: how many streams are open at each stop
  std::vector<int> watched;        ///< processes whose CPU is counted
  Call call;
};

/// Every connection calls again as soon as it is answered; waits only for sockets, never for time.
void saturate(const Plan& plan);
/// Calls start at fixed times whatever the answers do; latency counts from the intended time.
void pace(const Plan& plan);
/// Every connection opens a stream, reads it to its end, opens the next.
void stream(const Plan& plan);
/// Opens streams up to each step, says so, and waits for a line on stdin before the next.
void hold(const Plan& plan);

using Happened = std::function<void(std::size_t tag, std::uint32_t events)>;
/// Waits for events, at most until `until_ns` (negative: until there is one), and tells each.
void wait_for_events(const Fd& epoll, std::int64_t until_ns, const Happened& happened);

/// One epoll over callers, for the drivers.
class Callers {
 public:
  /// `sinks` is empty or has one for each caller.
  Callers(const Plan& plan, std::size_t count, const std::vector<BodySink*>& sinks);

  using Answered = std::function<void(std::size_t index, Progress progress)>;
  /// Waits for events, at most until `until_ns` (negative: until there is one), and reports each caller that
  /// is through.
  void turn(std::int64_t until_ns, const Answered& answered);
  /// Begins a call; reports at once when it cannot even connect.
  void begin(std::size_t index, std::int64_t begun_ns, const Answered& answered);

  Caller& operator[](std::size_t index) { return callers_[index]; }
  [[nodiscard]] std::size_t size() const { return callers_.size(); }
  [[nodiscard]] std::int64_t connects() const;

 private:
  Fd epoll_ = epoll_create();
  std::vector<Caller> callers_;
  std::vector<char> buffer_ = std::vector<char>(64 * 1024);
};

}  // namespace gantry::bench
