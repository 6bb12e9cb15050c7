#pragma once
// Whether the client is still there, and pauses that end early when it is not.

#include <coroutine>
#include <utility>

#include "net/http_server.hpp"

namespace gantry::sim {

/// Lives on the exchange's loop, inside the handler. One pause at a time.
class Presence {
 public:
  explicit Presence(net::Exchange& exchange) : exchange_(exchange), loop_(exchange.loop()) {
    exchange_.on_hang_up(&Presence::left, this);
  }
  ~Presence() { exchange_.on_hang_up(nullptr, nullptr); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  [[nodiscard]] bool gone() const { return gone_; }
  [[nodiscard]] MonoTime gone_at() const { return gone_at_; }

  struct Pause {
    Presence& presence;
    MonoTime until;
    bool await_ready() const { return presence.gone_ || until <= presence.loop_.now(); }
    void await_suspend(std::coroutine_handle<> handle) {
      presence.waiter_ = handle;
      presence.loop_.set_timer(presence.timer_, until, &Presence::wake, &presence);
    }
    void await_resume() const {}
  };
  /// `co_await presence.until(t)`: returns at `t`, or when the client hangs up.
  Pause until(MonoTime t) { return Pause{*this, t}; }

 private:
  static void left(void* self) {
    auto& p = *static_cast<Presence*>(self);
    p.gone_ = true;
    p.gone_at_ = p.loop_.now();
    // The waiter resumes from the timer, never inside the connection's own code.
    if (p.waiter_) p.loop_.set_timer(p.timer_, p.gone_at_, &Presence::wake, self);
  }
  static void wake(void* self) {
    if (auto waiter = std::exchange(static_cast<Presence*>(self)->waiter_, {})) waiter.resume();
  }

  net::Exchange& exchange_;
  net::Loop& loop_;
  net::Timer timer_;
  std::coroutine_handle<> waiter_{};
  bool gone_ = false;
  MonoTime gone_at_{};
};

}  // namespace gantry::sim
