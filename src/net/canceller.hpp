#pragma once
// How one part of a loop stops what another part waits for.

namespace gantry::net {

/// Lets another part of the loop stop a request in any phase (waiting for a connection, resolving,
/// connecting, handshaking, sending, waiting for the head, reading). It outlives what it is given to, the
/// response included.
class Canceller {
 public:
  /// Final: what is given this canceller later ends with `cancelled` too.
  void cancel() {
    cancelled_ = true;
    if (const auto action = action_) {
      action_ = nullptr;
      action(context_);
    }
  }
  [[nodiscard]] bool cancelled() const { return cancelled_; }

  /// Used by net: what to do at cancel(); cleared when the phase ends.
  using Action = void (*)(void* context);
  void arm(Action action, void* context) { action_ = action, context_ = context; }
  void disarm() { action_ = nullptr; }

 private:
  bool cancelled_ = false;
  Action action_ = nullptr;
  void* context_ = nullptr;
};

/// Arms `canceller` (which may be null) for one phase, that is one scope.
class Armed {
 public:
  Armed(Canceller* canceller, Canceller::Action action, void* context) : canceller_(canceller) {
    if (canceller_) canceller_->arm(action, context);
  }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;
  ~Armed() {
    if (canceller_) canceller_->disarm();
  }

 private:
  Canceller* canceller_;
};

}  // namespace gantry::net
