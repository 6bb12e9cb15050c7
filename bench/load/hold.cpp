#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "load/drivers.hpp"
#include "load/stream_sink.hpp"

namespace gantry::bench {

namespace {

constexpr std::size_t kAtOnce = 128;  // streams that wait for their first token at the same time
constexpr std::int64_t kSettledTokens = 2;
constexpr std::int64_t kPatience = 60'000'000'000;  // for a step, or for the line that allows the next one

// Ends as soon as stdin does, so that it never outlives who asked for it.
bool line_waits() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, 0) > 0;
}

class Holding {
 public:
  explicit Holding(const Plan& plan) : plan_(plan) {
    const std::size_t most = *std::max_element(plan.steps.begin(), plan.steps.end());
    sinks_.reserve(most);
    for (std::size_t i = 0; i < most; ++i) sinks_.emplace_back(times_, plan.tokens);
    std::vector<BodySink*> all;
    for (StreamSink& sink : sinks_) all.push_back(&sink);
    callers_ = std::make_unique<Callers>(plan, most, all);
  }

  void run() {
    for (const std::size_t step : plan_.steps) {
      open_up_to(step);
      report(step);
      if (!wait_for_line()) return;
    }
  }

 private:
  void open_up_to(std::size_t step) {
    const std::int64_t give_up = now_ns() + kPatience;
    while (settled(step) < step && errors_ == 0 && now_ns() < give_up) {
      std::size_t fresh = opened_ - std::min(opened_, with_tokens(1));
      for (; opened_ < step && fresh < kAtOnce; ++fresh) {
        sinks_[opened_].start(now_ns());
        callers_->begin(opened_++, now_ns(), on_answer_);
      }
      callers_->turn(now_ns() + 10'000'000, on_answer_);
    }
  }

  // Streams have their first token in the order in which they began, nearly: counting on from the last count
  // is exact enough for pacing, and settled() looks at every stream.
  [[nodiscard]] std::size_t with_tokens(std::int64_t tokens) {
    while (first_waiting_ < opened_ && sinks_[first_waiting_].tokens() >= tokens) ++first_waiting_;
    return first_waiting_;
  }

  [[nodiscard]] std::size_t settled(std::size_t step) const {
    if (opened_ < step) return 0;
    return static_cast<std::size_t>(
        std::count_if(sinks_.begin(), sinks_.begin() + static_cast<std::ptrdiff_t>(step),
                      [](const StreamSink& s) { return s.tokens() >= kSettledTokens; }));
  }

  void report(std::size_t step) {
    const std::size_t good = settled(step);
    JsonLine line;
    line.add("open", static_cast<std::int64_t>(good));
    line.add("errors", errors_ + static_cast<std::int64_t>(step - good));
    std::printf("%s\n", line.text().c_str());
    std::fflush(stdout);
  }

  bool wait_for_line() {
    const std::int64_t give_up = now_ns() + kPatience;
    while (!line_waits() && now_ns() < give_up) callers_->turn(now_ns() + 10'000'000, on_answer_);
    char byte = 0;
    while (line_waits() && read(STDIN_FILENO, &byte, 1) == 1)
      if (byte == '\n') return true;
    return false;
  }

  const Plan& plan_;
  StreamTimes times_;
  std::vector<StreamSink> sinks_;
  std::unique_ptr<Callers> callers_;
  // Held streams are not meant to end: any end, good or bad, spoils the figure.
  Callers::Answered on_answer_ = [this](std::size_t, Progress) { ++errors_; };
  std::size_t opened_ = 0;
  std::size_t first_waiting_ = 0;
  std::int64_t errors_ = 0;
};

}  // namespace

void hold(const Plan& plan) { Holding(plan).run(); }

}  // namespace gantry::bench
