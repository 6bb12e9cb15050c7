// The soak's load: an open loop that calls at a fixed rate, judges every answer by what was asked, and hangs
// up on some. One line of JSON on stdout; exit code 0 says that it ran.

#include <array>
#include <cmath>
#include <cstdio>
#include <deque>
#include <map>

#include "load/drivers.hpp"
#include "soak/answer_sink.hpp"
#include "soak/mix.hpp"

namespace {

using namespace gantry::bench;

constexpr std::int64_t kLeaveAfter =
    100'000'000;  // a client that hangs up has had some of its answer by then
constexpr std::int64_t kLastAnswers = 60'000'000'000;  // retries and slow answers may still be on their way

struct Counts {
  std::int64_t begun = 0, hung_up = 0, whole = 0, told_in_stream = 0, cut = 0, broken = 0, unanswered = 0;
  std::int64_t healthy = 0, healthy_failed = 0, connects = 0;
  std::map<int, std::int64_t> refused;  // by status
};

class Soaking {
 public:
  Soaking(const Plan& plan, Mix mix)
      : plan_(plan), mix_(mix), sinks_(plan.connections), asked_(plan.connections) {
    for (std::size_t i = 0; i < plan.connections; ++i) {
      calls_.emplace_back();
      callers_.emplace_back(plan.port, epoll_, i, calls_[i], &sinks_[i]);
      idle_.push_back(i);
    }
  }

  void run() {
    const auto all = std::llround(plan_.seconds * plan_.rate);
    const std::int64_t start = now_ns();
    std::int64_t called = 0, behind = 0;
    const auto due = [&] {
      return start + static_cast<std::int64_t>(static_cast<double>(called) * 1e9 / plan_.rate);
    };
    while (called < all) {
      while (called < all && due() <= now_ns()) {
        ++called;
        if (idle_.empty())
          ++behind;  // every connection waits: the call is begun as soon as one is free
        else
          begin();
      }
      for (; behind > 0 && !idle_.empty(); --behind) begin();
      turn(called < all ? due() : now_ns());
    }
    for (const std::int64_t last = now_ns() + kLastAnswers; now_ns() < last && (behind > 0 || busy());) {
      for (; behind > 0 && !idle_.empty(); --behind) begin();
      turn(now_ns() + kLeaveAfter);
    }
    counts_.unanswered = static_cast<std::int64_t>(callers_.size() - idle_.size()) + behind;
    write();
  }

 private:
  [[nodiscard]] bool busy() const { return idle_.size() < callers_.size(); }

  // In turns, so that no connection rests for so long that the other side closes it.
  void begin() {
    const std::size_t index = idle_.front();
    idle_.pop_front();
    asked_[index] = mix_.next();
    calls_[index].request = std::move(asked_[index].request);
    sinks_[index].start(asked_[index].stream);
    callers_[index].begun_ns = now_ns();
    ++counts_.begun;
    counts_.healthy += asked_[index].kind == Kind::healthy;
    if (asked_[index].kind == Kind::leaving)
      leaving_.push_back({callers_[index].begun_ns + kLeaveAfter, index});
    note(index, callers_[index].begin());
  }

  void turn(std::int64_t until_ns) {
    const std::int64_t next = leaving_.empty() ? until_ns : std::min(until_ns, leaving_.front().due_ns);
    wait_for_events(epoll_, next, [this](std::size_t index, std::uint32_t events) {
      note(index, callers_[index].advance(events, buffer_));
    });
    for (; !leaving_.empty() && leaving_.front().due_ns <= now_ns(); leaving_.pop_front())
      leave(leaving_.front());
  }

  struct Leaving {
    std::int64_t due_ns;
    std::size_t index;
  };

  void leave(const Leaving& who) {
    Caller& caller = callers_[who.index];
    if (!caller.busy() || caller.begun_ns + kLeaveAfter != who.due_ns) return;  // answered before
    caller.drop();
    ++counts_.hung_up;
    idle_.push_back(who.index);
  }

  void note(std::size_t index, Progress progress) {
    if (progress == Progress::pending) return;
    const bool whole = progress == Progress::answered;
    counts_.whole += whole;
    if (progress == Progress::wrong_status) ++counts_.refused[callers_[index].status()];
    if (progress == Progress::wrong_length)
      ++(sinks_[index].tells_an_error() ? counts_.told_in_stream : counts_.cut);
    if (progress == Progress::broken) ++counts_.broken;
    if (asked_[index].kind == Kind::healthy) {
      counts_.healthy_failed += !whole;
      latencies_.push_back(now_ns() - callers_[index].begun_ns);
    }
    idle_.push_back(index);
  }

  void write() {
    for (const Caller& caller : callers_) counts_.connects += caller.connects();
    JsonLine line;
    for (const auto& [name, count] :
         std::array<std::pair<const char*, std::int64_t>, 9>{{{"begun", counts_.begun},
                                                              {"hung_up", counts_.hung_up},
                                                              {"whole", counts_.whole},
                                                              {"told_in_stream", counts_.told_in_stream},
                                                              {"cut", counts_.cut},
                                                              {"broken", counts_.broken},
                                                              {"unanswered", counts_.unanswered},
                                                              {"healthy", counts_.healthy},
                                                              {"healthy_failed", counts_.healthy_failed}}})
      line.add(name, count);
    line.add("connects", counts_.connects);
    for (const auto& [status, count] : counts_.refused) line.add("status_" + std::to_string(status), count);
    line.add_times("healthy_latency", latencies_);
    std::printf("%s\n", line.text().c_str());
  }

  const Plan& plan_;
  Mix mix_;
  Fd epoll_ = epoll_create();
  std::deque<Call> calls_;  // each caller's own; their addresses are kept
  std::vector<AnswerSink> sinks_;
  std::vector<Asked> asked_;
  std::deque<Caller> callers_;
  std::deque<std::size_t> idle_;
  std::deque<Leaving> leaving_;
  std::vector<char> buffer_ = std::vector<char>(64 * 1024);
  std::vector<std::int64_t> latencies_;
  Counts counts_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv,
                        {{"core", "1"},
                         {"port", "0"},
                         {"connections", "1000"},
                         {"seconds", "600"},
                         {"rate", "500"},
                         {"faults", "0.1"},
                         {"routes", "1"},
                         {"hang-ups", "0.02"},
                         {"seed", "1"}});
  settle_in(static_cast<int>(options.number("core")));
  Plan plan;
  plan.port = static_cast<int>(options.number("port"));
  plan.connections = static_cast<std::size_t>(options.number("connections"));
  plan.seconds = options.real("seconds");
  plan.rate = options.real("rate");
  const Shares shares{.faults = options.real("faults"),
                      .routes = static_cast<std::uint64_t>(options.number("routes")),
                      .hang_ups = options.real("hang-ups")};
  Soaking(plan, Mix(plan.port, shares, static_cast<std::uint64_t>(options.number("seed")))).run();
  return 0;
}
