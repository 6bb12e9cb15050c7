#pragma once
// The simulator behind a port: threads, loops and listeners around one Simulator. `gantry sim` runs it alone,
// `gantry up --sim` beside the gateway, tests on port 0.

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/loop.hpp"
#include "sim/simulator.hpp"

namespace gantry::sim {

struct SimServerOptions {
  SimOptions sim = {};
  std::string address = "127.0.0.1";
  unsigned short port = 0;  ///< 0 = any free one; port() tells which
  int threads = 1;
  std::size_t max_connections = 20'000;  ///< in all
};

/// Runs from start() until stop() or its destruction, on threads of its own.
class SimServer {
 public:
  /// Errors: bad_input for the options, system when the address cannot be listened on.
  static Result<std::unique_ptr<SimServer>> start(const TimeSource& time, SimServerOptions options);
  ~SimServer();

  [[nodiscard]] unsigned short port() const;
  /// http://address:port/api/v1
  [[nodiscard]] std::string base_url() const;
  [[nodiscard]] Simulator& simulator();
  /// Cuts what is under way and joins the threads. Idempotent; not from one of its own threads.
  void stop();
  /// Shows every loop that serves, before any harness moves their time.
  void each_loop(const std::function<void(net::Loop&)>& visit);
  /// With a clock that is moved by hand: lets every loop run the timers that became due.
  void time_moved();

 private:
  struct Impl;
  explicit SimServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::sim
