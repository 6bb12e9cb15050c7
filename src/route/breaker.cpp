#include "route/breaker.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace gantry::route {
namespace {

using Tick = std::uint32_t;
using State = Breaker::State;
constexpr Duration kTick = std::chrono::milliseconds{100};
constexpr unsigned kHighestLevel = 7;

Tick tick_at(MonoTime t) { return static_cast<Tick>(t.time_since_epoch() / kTick); }

// Rounded up: what is open until a time is not due before it.
Tick tick_after(MonoTime t) {
  return static_cast<Tick>((t.time_since_epoch() + kTick - Duration{1}) / kTick);
}

Duration from_to(Tick a, Tick b) { return static_cast<std::int32_t>(b - a) * kTick; }

// Hard failures in a row, by crowd: five counters of three bits.
class Run {
 public:
  explicit Run(std::uint16_t bits) : bits_(bits) {}
  [[nodiscard]] std::uint16_t bits() const { return bits_; }
  [[nodiscard]] unsigned of(int crowd) const { return (bits_ >> (3 * crowd)) & 7u; }
  /// All failures, those of one crowd at most `most` times.
  [[nodiscard]] unsigned sum(unsigned most) const {
    unsigned total = 0;
    for (int crowd = 0; crowd < kCrowds; ++crowd) total += std::min(of(crowd), most);
    return total;
  }
  void add(int crowd) {
    const int where = crowd < 0 ? least() : crowd;
    if (of(where) < 7) bits_ = static_cast<std::uint16_t>(bits_ + (1u << (3 * where)));
  }

 private:
  [[nodiscard]] int least() const {
    int found = 0;
    for (int crowd = 1; crowd < kCrowds; ++crowd)
      if (of(crowd) < of(found)) found = crowd;
    return found;
  }
  std::uint16_t bits_;
};

// The word taken apart. From the low end: state 2, level 3, reason 4, tag 8, run 15, time 32 bits. `level` is
// how often the breaker opened without being calm in between; `tag` is the one client it is open for, 0 for
// all.
struct Parts {
  State state = State::closed;
  unsigned level = 0;
  OpenReason reason = OpenReason::none;
  std::uint8_t tag = 0;
  Run run{0};
  Tick time = 0;

  [[nodiscard]] Breaker word() const {
    return Breaker(static_cast<Breaker::Word>(state) | Breaker::Word{level} << 2 |
                   static_cast<Breaker::Word>(reason) << 5 | Breaker::Word{tag} << 9 |
                   Breaker::Word{run.bits()} << 17 | Breaker::Word{time} << 32);
  }
  [[nodiscard]] bool concerns(Client client) const { return tag == 0 || client.tag() == tag; }
  [[nodiscard]] bool due(MonoTime now) const {
    return (state == State::open || state == State::probing) &&
           from_to(time, tick_at(now)) >= Duration::zero();
  }
};

Parts parts(Breaker breaker) {
  const Breaker::Word word = breaker.word();
  return {.state = breaker.state(),
          .level = static_cast<unsigned>(word >> 2) & 7,
          .reason = static_cast<OpenReason>((word >> 5) & 15),
          .tag = static_cast<std::uint8_t>(word >> 9),
          .run = Run(static_cast<std::uint16_t>((word >> 17) & 0x7fff)),
          .time = static_cast<Tick>(word >> 32)};
}

enum class Audience { nobody, one, all };

// `needed` grows with the successes of the window: the more ends there are, the longer the runs that chance
// alone makes of a few failures among them.
Audience judge_run(const Run& run, Client client, std::uint32_t successes, const BreakerLimits& limits) {
  const unsigned extra = std::min(static_cast<unsigned>(std::bit_width(successes)) / 5, 2u);
  const unsigned needed = static_cast<unsigned>(limits.run) + extra;
  if (run.sum((needed + 1) / 2) >= needed) return Audience::all;
  return client.crowd() >= 0 && run.of(client.crowd()) >= needed ? Audience::one : Audience::nobody;
}

bool too_many(std::uint64_t failures, std::uint64_t successes, const BreakerLimits& limits) {
  const std::uint64_t ends = failures + successes;
  return ends >= limits.samples && static_cast<double>(failures) >= limits.rate * static_cast<double>(ends);
}

Audience judge_rate(const WindowCounts& counts, Client client, const BreakerLimits& limits) {
  std::uint64_t total = 0, most = 0;
  for (const std::uint64_t failures : counts.failures) {
    total += failures;
    most = std::max(most, failures);
  }
  const std::uint64_t fair = std::min(total, 2 * (total - most));
  if (too_many(fair, counts.successes, limits)) return Audience::all;
  if (client.crowd() < 0) return Audience::nobody;
  const std::uint64_t own = counts.failures[static_cast<std::size_t>(client.crowd())];
  return too_many(own, counts.successes, limits) ? Audience::one : Audience::nobody;
}

// Of a window only what lies behind `since` counts: what opened the breaker once must not open it again.
WindowCounts counts_since(Tick since, const Window& window, const BreakerLimits& limits) {
  WindowCounts counts;
  if (from_to(since, tick_at(window.began)) < Duration::zero()) return counts;
  counts = window.now;
  if (from_to(since, tick_at(window.began - limits.half_window)) < Duration::zero()) return counts;
  counts.successes += window.before.successes;
  for (std::size_t crowd = 0; crowd < counts.failures.size(); ++crowd)
    counts.failures[crowd] += window.before.failures[crowd];
  return counts;
}

Duration doubled(Duration first, unsigned level, Duration longest, double jitter) {
  const Duration plain = std::min(first * (std::int64_t{1} << (level - 1)), longest);
  return plain + Duration{static_cast<std::int64_t>(static_cast<double>(plain.count()) * jitter)};
}

unsigned next_level(const Parts& was, const BreakerLimits& limits, MonoTime now) {
  const bool calm = was.state == State::closed && from_to(was.time, tick_at(now)) >= limits.calm;
  return calm ? 1 : std::min(was.level + 1, kHighestLevel);
}

Breaker open(unsigned level, OpenReason reason, std::uint8_t tag, const BreakerFailure& failure,
             const BreakerLimits& limits, MonoTime now) {
  const Duration own = doubled(limits.open, level, limits.longest_open, limits.jitter * failure.jitter);
  const Duration time = std::max(own, std::min(failure.wish, limits.longest_wish));
  return Parts{
      .state = State::open, .level = level, .reason = reason, .tag = tag, .time = tick_after(now + time)}
      .word();
}

Breaker failed_closed(Parts was, const BreakerFailure& failure, const BreakerLimits& limits, MonoTime now) {
  const WindowCounts counts = counts_since(was.time, failure.window, limits);
  Audience audience = Audience::nobody;
  auto reason = OpenReason::run;
  if (failure.severity == Severity::hard) {
    was.run.add(failure.client.crowd());
    audience = judge_run(was.run, failure.client, counts.successes, limits);
  }
  if (audience != Audience::all) {
    const Audience by_rate = judge_rate(counts, failure.client, limits);
    if (by_rate > audience) audience = by_rate, reason = OpenReason::rate;
  }
  if (audience == Audience::nobody) return was.word();
  const std::uint8_t tag = audience == Audience::one ? failure.client.tag() : std::uint8_t{0};
  return open(next_level(was, limits, now), reason, tag, failure, limits, now);
}

// The breaker is open for another client only: for the rest it still counts, by runs alone, since the window
// holds what that client did.
Breaker failed_beside(Parts was, const BreakerFailure& failure, const BreakerLimits& limits, MonoTime now) {
  if (was.due(now) && from_to(was.time, tick_at(now)) >= limits.calm)  // it never came back
    return failed_closed({.run = was.run, .time = was.time}, failure, limits, now);
  if (failure.severity == Severity::soft) return was.word();
  was.run.add(failure.client.crowd());
  if (judge_run(was.run, failure.client, 0, limits) == Audience::nobody) return was.word();
  return open(1, OpenReason::run, 0, failure, limits, now);
}

}  // namespace

std::string_view name(OpenReason reason) {
  static constexpr std::array<std::string_view, 8> kNames = {"none",     "run",     "rate",         "gone",
                                                             "free_cap", "bad_key", "out_of_money", "told"};
  return kNames[static_cast<std::size_t>(reason)];
}

HalfWindow half_window(const BreakerLimits& limits, MonoTime now) {
  const auto number = now.time_since_epoch() / limits.half_window;
  return {.number = static_cast<std::uint16_t>(number), .began = MonoTime{number * limits.half_window}};
}

OpenReason Breaker::reason() const { return parts(*this).reason; }

bool Breaker::for_one_client() const { return parts(*this).tag != 0; }

MonoTime Breaker::time(MonoTime now) const {
  if (state() == State::held) return kNever;
  const MonoTime whole{now.time_since_epoch() / kTick * kTick};
  return whole + from_to(tick_at(now), parts(*this).time);
}

Gate Breaker::gate(Client client, MonoTime now) const {
  if (state() == State::closed) return Gate::closed;
  const Parts is = parts(*this);
  if (!is.concerns(client)) return Gate::closed;
  return is.due(now) ? Gate::due : Gate::open;
}

Breaker Breaker::succeeded(Client client, bool probe, MonoTime now) const {
  if (quiet()) return *this;
  Parts is = parts(*this);
  if (is.state == State::closed || !is.concerns(client)) {
    is.run = Run(0);
    return is.word();
  }
  // Only a probe is news: other attempts began before the breaker opened. It may be one that was given up on.
  if (!probe || (is.state != State::probing && !is.due(now))) return *this;
  return Parts{.level = is.level, .reason = is.reason, .time = tick_after(now)}.word();
}

Breaker Breaker::failed(const BreakerFailure& failure, const BreakerLimits& limits, MonoTime now) const {
  const Parts is = parts(*this);
  if (is.state == State::closed) return failed_closed(is, failure, limits, now);
  if (!is.concerns(failure.client)) return failed_beside(is, failure, limits, now);
  if (!failure.probe || (is.state != State::probing && !is.due(now))) return *this;
  const auto reason = is.reason == OpenReason::rate ? OpenReason::rate : OpenReason::run;
  return open(next_level(is, limits, now), reason, is.tag, failure, limits, now);
}

std::optional<Breaker> Breaker::probed(Client client, const BreakerLimits& limits, MonoTime at) const {
  Parts is = parts(*this);
  if (!is.concerns(client) || !is.due(at)) return std::nullopt;
  is.state = State::probing;
  is.time = tick_after(at + limits.probe);
  return is.word();
}

Breaker Breaker::given_back(Breaker taken, MonoTime now) const {
  if (*this != taken || state() != State::probing) return *this;
  Parts is = parts(*this);
  is.state = State::open;
  is.time = tick_at(now);
  return is.word();
}

Breaker Breaker::opened(OpenReason reason, MonoTime until) const {
  Parts is = parts(*this);
  const Tick end = tick_after(until);
  const bool longer = is.state == State::open && is.tag == 0 && from_to(end, is.time) > Duration::zero();
  if (longer || is.state == State::held) return *this;
  return Parts{.state = State::open, .level = std::max(is.level, 1u), .reason = reason, .time = end}.word();
}

Breaker Breaker::stated(OpenReason reason, const BreakerLimits& limits, double jitter, MonoTime now) const {
  const Parts is = parts(*this);
  // Attempts that began before the opening hear the same; that is no news.
  if (is.state == State::open && is.reason == reason && !is.due(now)) return *this;
  const unsigned level = is.reason == reason ? next_level(is, limits, now) : 1;
  const bool key = reason == OpenReason::bad_key;
  const Duration time = doubled(key ? limits.bad_key : limits.gone, level,
                                key ? limits.longest_bad_key : limits.longest_gone, limits.jitter * jitter);
  const Breaker open = opened(reason, now + time);
  if (open == *this) return open;
  Parts result = parts(open);
  result.level = level;
  return result.word();
}

Breaker Breaker::held(OpenReason reason) const {
  return Parts{.state = State::held, .level = std::max(parts(*this).level, 1u), .reason = reason}.word();
}

Breaker Breaker::reset(MonoTime now) { return Parts{.time = tick_after(now)}.word(); }

}  // namespace gantry::route
