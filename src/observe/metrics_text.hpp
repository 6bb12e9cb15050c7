#pragma once
// Folded numbers as Prometheus text. Internal to src/observe; docs/metrics.md lists what comes out.

#include <string>

#include "observe/counters.hpp"
#include "observe/observer.hpp"

namespace gantry::observe {

struct Scrape {
  const Totals& totals;
  const ModelNames& models;
  const Gauges& gauges;
  WallTime started;
  bool simulated;
  std::uint64_t dropped_log_lines;
};
std::string metrics_text(const Scrape& scrape);

}  // namespace gantry::observe
