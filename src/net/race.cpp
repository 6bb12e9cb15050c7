#include "net/race.hpp"

#include <deque>
#include <memory>
#include <optional>

namespace gantry::net {
namespace {

// Shared, because attempts that lose end after the race has: each runs as a task of its own.
struct Race {
  Loop& loop;
  std::deque<Canceller> attempts;  // a deque: attempts keep pointers into it
  std::size_t running = 0;
  bool over = false;
  bool failed_since_start = false;  // the latest attempt need not be waited for
  std::optional<Socket> winner;
  Failure last{Fault::refused, "no address"};
  Signal changed;

  void stop_attempts() {
    for (Canceller& attempt : attempts) attempt.cancel();
  }
};

Task<void> attempt(std::shared_ptr<Race> race, Endpoint to, MonoTime deadline, Canceller* canceller) {
  auto connected = co_await Socket::connect(race->loop, std::move(to), deadline, canceller);
  --race->running;
  if (race->over) co_return;  // too late: `connected` closes
  if (!connected) {
    race->last = connected.error();
    race->failed_since_start = true;
  } else if (!race->winner) {
    race->winner = std::move(*connected);
  }
  race->changed.notify();
}

Task<Result<Socket>> race_all(std::shared_ptr<Race> race, std::vector<Endpoint> targets, MonoTime deadline,
                              Canceller* canceller) {
  // Cancelling ends the attempts, each on the loop's next round, and the first of them wakes this coroutine:
  // whoever cancels is never re-entered. While it is suspended at least one attempt runs.
  const auto stop = [](void* self) { static_cast<Race*>(self)->stop_attempts(); };
  const auto wake = [](void* self) { static_cast<Race*>(self)->changed.notify(); };
  const Armed armed(canceller, stop, race.get());
  Timer timer;
  MonoTime next_start = race->loop.now();
  for (std::size_t next = 0;;) {
    if (canceller && canceller->cancelled())
      co_return fail(Fault::cancelled, "connect to " + targets.front().text());
    if (race->winner) co_return std::move(*race->winner);
    const bool more = next < targets.size();
    if (!more && race->running == 0) co_return std::unexpected(race->last);
    if (more && (race->running == 0 || race->failed_since_start || next_start <= race->loop.now())) {
      race->failed_since_start = false;
      next_start = race->loop.now() + kAttemptDelay;
      race->loop.set_timer(timer, next_start, wake, race.get());
      ++race->running;
      race->attempts.emplace_back();
      race->loop.spawn(attempt(race, targets[next++], deadline, &race->attempts.back()));
      continue;
    }
    co_await race->changed;
  }
}

}  // namespace

Task<Result<Socket>> connect_first(Loop& loop, std::vector<Endpoint> targets, MonoTime deadline,
                                   Canceller* canceller) {
  if (targets.size() == 1) {
    auto only = co_await Socket::connect(loop, std::move(targets.front()), deadline, canceller);
    co_return only;
  }
  const auto race = std::make_shared<Race>(loop);
  auto result = co_await race_all(race, std::move(targets), deadline, canceller);
  race->over = true;
  race->stop_attempts();
  co_return result;
}

}  // namespace gantry::net
