#pragma once
// What a run of the load found: counts, errors by kind, times, and the CPU of the watched processes; printed
// as one line of JSON.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/caller.hpp"

namespace gantry::bench {

/// CPU that processes have used so far. Times of threads that have ended are lost to `total_ns`, so watch
/// processes whose threads stay.
struct CpuTimes {
  std::int64_t total_ns = 0;  ///< exact: the scheduler's own sum
  double user_s = 0;          ///< the kernel's split of it, in ticks of 10 ms
  double system_s = 0;
};
CpuTimes cpu_times(const std::vector<int>& pids);

/// The value below which that share of the samples lies; 0 without samples. Sorts the samples.
std::int64_t percentile(std::vector<std::int64_t>& samples, double share);

/// One JSON object, members in the order they were added.
class JsonLine {
 public:
  void add(std::string_view name, double value);
  void add(std::string_view name, std::int64_t value);
  /// name_p50, name_p90, name_p99 and name_max, in microseconds.
  void add_times(const std::string& name, std::vector<std::int64_t>& samples_ns);
  [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

/// Outcomes of calls within the measured time.
struct Tally {
  std::int64_t served = 0;
  std::int64_t wrong_status = 0;
  std::int64_t wrong_length = 0;
  std::int64_t broken = 0;
  std::int64_t unanswered = 0;

  void count(Progress progress);
  [[nodiscard]] std::int64_t errors() const { return wrong_status + wrong_length + broken + unanswered; }
  void write(JsonLine& line) const;
};

/// The measured time and what the watched processes used in it.
class Window {
 public:
  explicit Window(std::vector<int> pids) : pids_(std::move(pids)) {}
  void open();
  void close();
  [[nodiscard]] bool is_open() const { return opened_ns_ != 0 && closed_ns_ == 0; }
  [[nodiscard]] double seconds() const { return static_cast<double>(closed_ns_ - opened_ns_) / 1e9; }
  void write(JsonLine& line) const;

 private:
  std::vector<int> pids_;
  CpuTimes before_;
  CpuTimes after_;
  std::int64_t opened_ns_ = 0;
  std::int64_t closed_ns_ = 0;
};

}  // namespace gantry::bench
