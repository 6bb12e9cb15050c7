#include "spend/gate.hpp"

namespace gantry::spend {
namespace {

// Threads differ in where their own variables lie. Two that meet on a stripe only share its cache line.
std::size_t stripe_of_thread(std::size_t stripes) {
  thread_local const char here = 0;
  const auto address = reinterpret_cast<std::uintptr_t>(&here);
  return static_cast<std::size_t>(address * 0x9e3779b97f4a7c15ULL >> 40) % stripes;
}

}  // namespace

// Everything here is sequentially consistent, and the argument is the usual one of two flags: who enters says
// so and then looks whether the gate is closed; who closes says so and then looks who is inside. At least one
// of them sees the other, so either the newcomer steps back or the closer waits for him.
std::size_t Gate::enter() {
  const std::size_t stripe = stripe_of_thread(kStripes);
  for (;;) {
    stripes_[stripe].inside.fetch_add(1);
    if (closed_.load() == 0) return stripe;
    leave(stripe);
    closed_.wait(1);
  }
}

void Gate::leave(std::size_t stripe) {
  auto& inside = stripes_[stripe].inside;
  if (inside.fetch_sub(1) == 1 && closed_.load() != 0) inside.notify_all();
}

void Gate::close() {
  while (closed_.exchange(1) != 0) closed_.wait(1);
  for (Stripe& stripe : stripes_)
    for (std::uint32_t count = stripe.inside.load(); count != 0; count = stripe.inside.load())
      stripe.inside.wait(count);
}

void Gate::open() {
  closed_.store(0);
  closed_.notify_all();
}

}  // namespace gantry::spend
