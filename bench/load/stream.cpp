#include <algorithm>
#include <cstdio>
#include <deque>

#include "load/drivers.hpp"
#include "load/stream_sink.hpp"

namespace gantry::bench {

namespace {

class Streaming {
 public:
  explicit Streaming(const Plan& plan)
      : plan_(plan),
        sinks_(plan.connections, StreamSink(times_, plan.tokens)),
        callers_(plan, plan.connections, pointers(sinks_)),
        window_(plan.watched) {}

  void run() {
    const std::int64_t start = now_ns();
    const Callers::Answered on_answer = [this](std::size_t index, Progress progress) {
      answered(index, progress);
    };
    // Streams begin spread over the first half of the warm-up, so that their tokens do not come in one burst.
    const double spread_ns = plan_.warmup_s * 0.5e9 / static_cast<double>(plan_.connections);
    const std::int64_t opens = start + static_cast<std::int64_t>(plan_.warmup_s * 1e9);
    const std::int64_t ends = opens + static_cast<std::int64_t>(plan_.seconds * 1e9);
    for (std::int64_t now = start; now < ends; now = now_ns()) {
      if (!window_.is_open() && now >= opens) {
        window_.open();
        times_.recording = true;
      }
      while (started_ < callers_.size() &&
             now >= start + static_cast<std::int64_t>(static_cast<double>(started_) * spread_ns))
        again_.push_back(started_++);
      begin_all(on_answer);
      callers_.turn(next_turn(now, start, spread_ns, opens, ends), on_answer);
    }
    times_.recording = false;
    window_.close();
    report();
  }

 private:
  static std::vector<BodySink*> pointers(std::vector<StreamSink>& sinks) {
    std::vector<BodySink*> all;
    for (StreamSink& sink : sinks) all.push_back(&sink);
    return all;
  }

  std::int64_t next_turn(std::int64_t now, std::int64_t start, double spread_ns, std::int64_t opens,
                         std::int64_t ends) const {
    if (started_ < callers_.size())
      return start + static_cast<std::int64_t>(static_cast<double>(started_) * spread_ns);
    return now < opens ? opens : ends;
  }

  void begin_all(const Callers::Answered& on_answer) {
    for (std::size_t left = again_.size(); left > 0; --left) {
      const std::size_t index = again_.front();
      again_.pop_front();
      const std::int64_t now = now_ns();
      sinks_[index].start(now);
      callers_.begin(index, now, on_answer);
    }
  }

  void answered(std::size_t index, Progress progress) {
    tally_.count(progress);
    // A side that refuses streams is not asked again: what it got wrong is counted once for each connection.
    if (progress == Progress::answered) again_.push_back(index);
  }

  void report() {
    for (std::size_t i = 0; i < callers_.size(); ++i)
      if (callers_[i].busy() && sinks_[i].tokens() == 0 && now_ns() - callers_[i].begun_ns > 1'000'000'000)
        ++tally_.unanswered;
    JsonLine line;
    tally_.write(line);
    line.add("connects", callers_.connects());
    window_.write(line);
    line.add("tokens", times_.tokens);
    line.add_times("first_token", times_.first_token);
    line.add_times("gap", times_.gap);
    line.add_times("transit", times_.transit);
    std::printf("%s\n", line.text().c_str());
  }

  const Plan& plan_;
  StreamTimes times_;
  std::vector<StreamSink> sinks_;
  Callers callers_;
  Window window_;
  Tally tally_;
  std::size_t started_ = 0;
  std::deque<std::size_t> again_;
};

}  // namespace

void stream(const Plan& plan) { Streaming(plan).run(); }

}  // namespace gantry::bench
