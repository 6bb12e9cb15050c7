#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "load/drivers.hpp"

namespace gantry::bench {

Callers::Callers(const Plan& plan, std::size_t count, const std::vector<BodySink*>& sinks) {
  callers_.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    callers_.emplace_back(plan.port, epoll_, i, plan.call, sinks.empty() ? nullptr : sinks[i]);
}

void wait_for_events(const Fd& epoll, std::int64_t until_ns, const Happened& happened) {
  std::array<epoll_event, 256> events;
  const std::int64_t wait = std::max<std::int64_t>(0, until_ns - now_ns());
  const timespec timeout{wait / 1'000'000'000, wait % 1'000'000'000};
  const int count = epoll_pwait2(epoll.get(), events.data(), static_cast<int>(events.size()),
                                 until_ns < 0 ? nullptr : &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    happened(static_cast<std::size_t>(event.data.u64), event.events);
  }
}

void Callers::turn(std::int64_t until_ns, const Answered& answered) {
  wait_for_events(epoll_, until_ns, [&](std::size_t index, std::uint32_t events) {
    const Progress progress = callers_[index].advance(events, buffer_);
    if (progress != Progress::pending) answered(index, progress);
  });
}

void Callers::begin(std::size_t index, std::int64_t begun_ns, const Answered& answered) {
  callers_[index].begun_ns = begun_ns;
  const Progress progress = callers_[index].begin();
  if (progress != Progress::pending) answered(index, progress);
}

std::int64_t Callers::connects() const {
  std::int64_t sum = 0;
  for (const Caller& caller : callers_) sum += caller.connects();
  return sum;
}

}  // namespace gantry::bench
