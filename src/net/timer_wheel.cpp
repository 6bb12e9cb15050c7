#include "net/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace gantry::net {

void Timer::unlink() {
  if (!next_) return;
  prev_->next_ = next_;
  next_->prev_ = prev_;
  prev_ = next_ = nullptr;
  if (wheel_) --wheel_->count_;
}

namespace {
void make_empty(Timer*& prev, Timer*& next, Timer* head) { prev = next = head; }
}  // namespace

TimerWheel::TimerWheel(MonoTime now) : origin_(now) {
  make_empty(near_.prev_, near_.next_, &near_);
  for (auto& level : slots_)
    for (auto& head : level) make_empty(head.prev_, head.next_, &head);
}

TimerWheel::~TimerWheel() {
  // Owners may outlive the wheel (a frame destroyed after its loop): leave them unlinked.
  const auto release = [](Timer& head) {
    while (head.next_ != &head) head.next_->unlink();
    make_empty(head.prev_, head.next_, nullptr);
  };
  release(near_);
  for (auto& level : slots_)
    for (auto& head : level) release(head);
}

std::int64_t TimerWheel::tick_of(MonoTime t) const {
  if (t <= origin_) return 0;
  const auto span = t - origin_;
  return span / kTick + (span % kTick != Duration::zero() ? 1 : 0);  // rounded up: never early
}

void TimerWheel::set(Timer& timer, MonoTime due, Timer::Action action, void* context) {
  timer.due_ = due;
  timer.action_ = action;
  timer.context_ = context;
  if (due == kNever) return;  // an entry that is linked comes up, finds nothing due, and is dropped
  const auto tick = tick_of(due);
  if (timer.next_ && timer.wheel_ == this && timer.tick_ <= tick)
    return;  // early is fine: put back when it comes up
  timer.unlink();
  link(timer, tick);
}

void TimerWheel::append(Timer& head, Timer& timer) {
  timer.prev_ = head.prev_;
  timer.next_ = &head;
  head.prev_->next_ = &timer;
  head.prev_ = &timer;
  ++count_;
}

void TimerWheel::link(Timer& timer, std::int64_t tick) {
  timer.tick_ = tick;
  timer.wheel_ = this;
  if (tick <= current_) return append(near_, timer);
  const auto distance = static_cast<std::uint64_t>(tick - current_);
  std::size_t level = 0;
  while (level < kLevels - 1 && (distance >> (kBits * (level + 1))) != 0) ++level;
  // Past the last level's reach: its farthest slot, from where the cascade puts it further.
  const std::uint64_t reach = std::uint64_t{1} << (kBits * kLevels);
  const auto place = distance < reach ? tick : current_ + static_cast<std::int64_t>(reach) - 1;
  const auto slot = static_cast<std::size_t>((place >> (kBits * level)) & (kSlots - 1));
  append(slots_[level][slot], timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

void TimerWheel::cascade(int level) {
  const auto index = static_cast<std::size_t>(level);
  const auto slot = static_cast<std::size_t>((current_ >> (kBits * level)) & (kSlots - 1));
  if (slot == 0 && level + 1 < kLevels) cascade(level + 1);
  occupied_[index] &= ~(std::uint64_t{1} << slot);
  Timer& head = slots_[index][slot];
  Timer moving;  // an entry far ahead may be put back into the slot that is being emptied
  take_list(head, moving);
  while (moving.next_ != &moving) {
    Timer& timer = *moving.next_;
    timer.unlink();
    if (timer.due_ != kNever) link(timer, tick_of(timer.due_));
  }
}

void TimerWheel::take_list(Timer& head, Timer& into) {
  make_empty(into.prev_, into.next_, &into);
  if (head.next_ == &head) return;
  into.next_ = head.next_, into.prev_ = head.prev_;
  into.next_->prev_ = into.prev_->next_ = &into;
  make_empty(head.prev_, head.next_, &head);
}

void TimerWheel::run_slot(int slot, MonoTime now) {
  occupied_[0] &= ~(std::uint64_t{1} << slot);
  run_list(slots_[0][static_cast<std::size_t>(slot)], now);
}

void TimerWheel::run_list(Timer& head, MonoTime now) {
  Timer due;  // moved aside first: actions may set timers into the list that is being run
  take_list(head, due);
  while (due.next_ != &due) {
    Timer& timer = *due.next_;
    timer.unlink();
    if (timer.due_ == kNever) continue;
    if (timer.due_ > now) {
      link(timer, tick_of(timer.due_));
      continue;
    }
    timer.due_ = kNever;
    timer.action_(timer.context_);
  }
}

void TimerWheel::advance(MonoTime now) {
  run_list(near_, now);
  const auto target = tick_of(now);  // rounded up: what is due within the running tick runs or goes to near_
  while (current_ < target) {
    if (count_ == 0) {
      current_ = target;
      return;
    }
    ++current_;
    const auto slot = static_cast<int>(current_ & (kSlots - 1));
    if (slot == 0) {
      cascade(1);
      run_list(near_, now);  // where the cascade put what is due in this very tick
    }
    run_slot(slot, now);
    // Skip runs of empty slots of this turn at once.
    if (const auto later = slot == kSlots - 1 ? 0 : occupied_[0] >> (slot + 1); later == 0) {
      const auto turn_end = current_ | (kSlots - 1);
      current_ = std::min(target, turn_end);
    }
  }
}

MonoTime TimerWheel::next_wake() const {
  if (count_ == 0) return kNever;
  if (near_.next_ != &near_) return origin_ + kTick * current_;
  const auto slot = static_cast<int>(current_ & (kSlots - 1));
  const auto turn_start = current_ - slot;
  if (const auto later = slot == kSlots - 1 ? 0 : occupied_[0] >> (slot + 1); later != 0)
    return origin_ + kTick * (current_ + 1 + std::countr_zero(later));
  // Level 0 entries of the next turn, or the next slot of a higher level that holds something: at that turn's
  // start.
  std::int64_t tick = turn_start + kSlots;
  if (occupied_[0] != 0) return origin_ + kTick * tick;
  for (int level = 1; level < kLevels; ++level) {
    const auto index = static_cast<std::size_t>(level);
    const auto shift = kBits * level;
    const auto here = (current_ >> shift) & (kSlots - 1);
    const auto later = here == kSlots - 1 ? 0 : occupied_[index] >> (here + 1);
    const auto base = current_ >> shift;
    if (later != 0) return origin_ + kTick * ((base + 1 + std::countr_zero(later)) << shift);
    if (occupied_[index] != 0) return origin_ + kTick * ((base - here + kSlots) << shift);
  }
  return origin_ + kTick * tick;
}

}  // namespace gantry::net
