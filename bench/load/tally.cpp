#include "load/tally.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gantry::bench {

namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void add_process(CpuTimes& times, int pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::string stat = contents(folder + "/stat");
  if (stat.empty()) fail("process " + std::to_string(pid) + " is gone");
  // The command's name may hold anything; the fields after it start behind the last ')', with the third.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  times.user_s += user / ticks;
  times.system_s += system / ticks;
  std::error_code ignored;  // a thread may end while the folder is read
  for (const auto& task : std::filesystem::directory_iterator(folder + "/task", ignored)) {
    std::istringstream schedstat(contents(task.path().string() + "/schedstat"));
    std::int64_t on_cpu = 0;
    schedstat >> on_cpu;
    times.total_ns += on_cpu;
  }
}

}  // namespace

CpuTimes cpu_times(const std::vector<int>& pids) {
  CpuTimes times;
  for (const int pid : pids) add_process(times, pid);
  return times;
}

std::int64_t percentile(std::vector<std::int64_t>& samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const auto at = static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1) + 0.5);
  return samples[at];
}

void JsonLine::add(std::string_view name, double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", value);
  if (!members_.empty()) members_ += ", ";
  members_ += "\"" + std::string(name) + "\": " + text;
}

void JsonLine::add(std::string_view name, std::int64_t value) {
  if (!members_.empty()) members_ += ", ";
  members_ += "\"" + std::string(name) + "\": " + std::to_string(value);
}

void JsonLine::add_times(const std::string& name, std::vector<std::int64_t>& samples_ns) {
  add(name + "_p50_us", static_cast<double>(percentile(samples_ns, 0.5)) / 1e3);
  add(name + "_p90_us", static_cast<double>(percentile(samples_ns, 0.9)) / 1e3);
  add(name + "_p99_us", static_cast<double>(percentile(samples_ns, 0.99)) / 1e3);
  add(name + "_max_us", static_cast<double>(percentile(samples_ns, 1.0)) / 1e3);
}

void Tally::count(Progress progress) {
  switch (progress) {
    case Progress::pending:
      return;
    case Progress::answered:
      ++served;
      return;
    case Progress::wrong_status:
      ++wrong_status;
      return;
    case Progress::wrong_length:
      ++wrong_length;
      return;
    case Progress::broken:
      ++broken;
      return;
  }
}

void Tally::write(JsonLine& line) const {
  line.add("served", served);
  line.add("errors", errors());
  line.add("wrong_status", wrong_status);
  line.add("wrong_length", wrong_length);
  line.add("broken", broken);
  line.add("unanswered", unanswered);
}

void Window::open() {
  before_ = cpu_times(pids_);
  opened_ns_ = now_ns();
}

void Window::close() {
  closed_ns_ = now_ns();
  after_ = cpu_times(pids_);
}

void Window::write(JsonLine& line) const {
  line.add("seconds", seconds());
  line.add("cpu_s", static_cast<double>(after_.total_ns - before_.total_ns) / 1e9);
  line.add("cpu_user_s", after_.user_s - before_.user_s);
  line.add("cpu_system_s", after_.system_s - before_.system_s);
}

}  // namespace gantry::bench
