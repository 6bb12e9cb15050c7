#include <cmath>
#include <cstdio>
#include <deque>

#include "load/drivers.hpp"

namespace gantry::bench {

namespace {

constexpr std::int64_t kLastAnswers = 1'000'000'000;  // how long answers may still come after the last call

class Pacing {
 public:
  explicit Pacing(const Plan& plan)
      : plan_(plan),
        callers_(plan, plan.connections, {}),
        window_(plan.watched),
        warmup_calls_(std::llround(plan.warmup_s * plan.rate)),
        calls_(warmup_calls_ + std::llround(plan.seconds * plan.rate)) {
    for (std::size_t i = plan.connections; i-- > 0;) idle_.push_back(i);
  }

  void run() {
    const std::int64_t start = now_ns();
    measured_from_ = due(start, warmup_calls_);
    const Callers::Answered on_answer = [this](std::size_t index, Progress progress) {
      answered(index, progress);
    };
    while (called_ < calls_) {
      const std::int64_t now = now_ns();
      if (!window_.is_open() && called_ >= warmup_calls_) window_.open();
      while (called_ < calls_ && due(start, called_) <= now) waiting_.push_back(due(start, called_++));
      start_waiting(on_answer);
      // Spinning would take the core from the upstream, which shares it; the kernel's timer is exact enough,
      // and the time it is late by counts in every latency, direct and through a proxy alike.
      callers_.turn(called_ < calls_ ? due(start, called_) : now, on_answer);
    }
    finish(on_answer);
  }

 private:
  [[nodiscard]] std::int64_t due(std::int64_t start, std::int64_t call) const {
    return start + static_cast<std::int64_t>(static_cast<double>(call) * 1e9 / plan_.rate);
  }

  // The connection used last is used first: it is the warmest, as in any pool.
  void start_waiting(const Callers::Answered& on_answer) {
    while (!waiting_.empty() && !idle_.empty()) {
      const std::size_t index = idle_.back();
      idle_.pop_back();
      const std::int64_t intended = waiting_.front();
      waiting_.pop_front();
      callers_.begin(index, intended, on_answer);
    }
  }

  void answered(std::size_t index, Progress progress) {
    const std::int64_t begun = callers_[index].begun_ns;
    if (begun >= measured_from_) {
      tally_.count(progress);
      if (progress == Progress::answered) latencies_.push_back(now_ns() - begun);
    } else if (progress != Progress::answered) {
      ++warmup_errors_;
    }
    idle_.push_back(index);
  }

  void finish(const Callers::Answered& on_answer) {
    const std::int64_t last = now_ns() + kLastAnswers;
    const auto through = [this] { return waiting_.empty() && idle_.size() == callers_.size(); };
    while (!through() && now_ns() < last) {
      start_waiting(on_answer);
      callers_.turn(last, on_answer);
    }
    window_.close();
    tally_.unanswered = static_cast<std::int64_t>(waiting_.size() + callers_.size() - idle_.size());
    JsonLine line;
    tally_.write(line);
    line.add("errors_in_warmup", warmup_errors_);
    line.add("connects", callers_.connects());
    window_.write(line);
    line.add("per_second", static_cast<double>(tally_.served) / window_.seconds());
    line.add_times("latency", latencies_);
    std::printf("%s\n", line.text().c_str());
  }

  const Plan& plan_;
  Callers callers_;
  Window window_;
  Tally tally_;
  std::int64_t warmup_calls_;
  std::int64_t calls_;
  std::int64_t called_ = 0;
  std::int64_t measured_from_ = 0;
  std::int64_t warmup_errors_ = 0;
  std::vector<std::size_t> idle_;
  std::deque<std::int64_t> waiting_;
  std::vector<std::int64_t> latencies_;
};

}  // namespace

void pace(const Plan& plan) { Pacing(plan).run(); }

}  // namespace gantry::bench
