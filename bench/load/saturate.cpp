#include <cstdio>
#include <deque>

#include "load/drivers.hpp"

namespace gantry::bench {

namespace {

// A side that answers only with errors would be hammered to the end of the run: enough is known after so
// many.
constexpr std::int64_t kMaxErrors = 1000;

class Saturation {
 public:
  explicit Saturation(const Plan& plan)
      : plan_(plan), callers_(plan, plan.connections, {}), window_(plan.watched) {}

  void run() {
    const std::int64_t start = now_ns();
    const auto after = [start](double seconds) { return start + static_cast<std::int64_t>(seconds * 1e9); };
    const std::int64_t opens = after(plan_.warmup_s);
    const std::int64_t ends = after(plan_.warmup_s + plan_.seconds);
    const Callers::Answered on_answer = [this](std::size_t index, Progress progress) {
      answered(index, progress);
    };
    for (std::size_t i = 0; i < callers_.size(); ++i) idle_.push_back(i);
    for (std::int64_t now = start; now < ends && !enough(); now = now_ns()) {
      if (!window_.is_open() && now >= opens) window_.open();
      for (std::size_t left = idle_.size(); left > 0; --left) {
        const std::size_t index = idle_.front();
        idle_.pop_front();
        callers_.begin(index, now, on_answer);
      }
      callers_.turn(window_.is_open() ? ends : opens, on_answer);
    }
    if (!window_.is_open()) window_.open();
    window_.close();
    report();
  }

 private:
  void answered(std::size_t index, Progress progress) {
    const std::int64_t now = now_ns();
    if (progress != Progress::answered) ++all_errors_;
    if (window_.is_open()) {
      tally_.count(progress);
      if (progress == Progress::answered) latencies_.push_back(now - callers_[index].begun_ns);
    }
    idle_.push_back(index);
  }

  [[nodiscard]] bool enough() const {
    return all_errors_ >= kMaxErrors || (plan_.requests > 0 && tally_.served >= plan_.requests);
  }

  void report() {
    // A call that stays unanswered for the whole window would otherwise leave no trace.
    for (std::size_t i = 0; i < callers_.size(); ++i)
      if (callers_[i].busy() && now_ns() - callers_[i].begun_ns > kStuck) ++tally_.unanswered;
    JsonLine line;
    tally_.write(line);
    line.add("errors_in_warmup", all_errors_ - tally_.errors() + tally_.unanswered);
    line.add("connects", callers_.connects());
    window_.write(line);
    line.add("per_second", static_cast<double>(tally_.served) / window_.seconds());
    line.add_times("latency", latencies_);
    std::printf("%s\n", line.text().c_str());
  }

  static constexpr std::int64_t kStuck = 1'000'000'000;
  const Plan& plan_;
  Callers callers_;
  Window window_;
  Tally tally_;
  std::deque<std::size_t> idle_;
  std::vector<std::int64_t> latencies_;
  std::int64_t all_errors_ = 0;
};

}  // namespace

void saturate(const Plan& plan) { Saturation(plan).run(); }

}  // namespace gantry::bench
