#pragma once
// What the soak asks: mostly healthy calls, plain and streamed, a share of routes with faults, a few
// clients that hang up. The same seed asks the same.

#include <cstdint>
#include <random>
#include <string>

namespace gantry::bench {

enum class Kind : std::uint8_t { healthy, faulty, leaving };

struct Asked {
  Kind kind = Kind::healthy;
  bool stream = false;
  std::string request;  ///< whole, with its head
};

struct Shares {
  double faults = 0.1;
  std::uint64_t routes = 1;  ///< soak-0, soak-1, …: those whose first model has a fault
  double hang_ups = 0.02;
};

class Mix {
 public:
  Mix(int port, Shares shares, std::uint64_t seed) : port_(port), shares_(shares), random_(seed) {}
  Asked next();

 private:
  int port_;
  Shares shares_;
  std::mt19937_64 random_;
};

}  // namespace gantry::bench
