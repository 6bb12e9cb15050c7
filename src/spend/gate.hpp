#pragma once
// Who may decide at the same time (DESIGN §5, Accounts). Calls pass side by side: two atomic additions on a
// cache line that mostly is the thread's own, and nobody waits. One who has to be sure that nothing is about
// to be undone goes alone: those who are inside leave first, and those who come wait for him. What is done
// alone is bounded: the pots of one path, or of one account. Pure.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace gantry::spend {

class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;

  /// Inside with others. Not nested, and not kept over a suspension.
  class Together {
   public:
    explicit Together(Gate& gate) : gate_(gate), stripe_(gate.enter()) {}
    Together(const Together&) = delete;
    ~Together() { gate_.leave(stripe_); }

   private:
    Gate& gate_;
    const std::size_t stripe_;
  };
  /// Inside with nobody else.
  class Alone {
   public:
    explicit Alone(Gate& gate) : gate_(gate) { gate.close(); }
    Alone(const Alone&) = delete;
    ~Alone() { gate_.open(); }

   private:
    Gate& gate_;
  };

 private:
  static constexpr std::size_t kStripes = 16;
  struct alignas(64) Stripe {
    std::atomic<std::uint32_t> inside{0};
  };

  std::size_t enter();
  void leave(std::size_t stripe);
  void close();
  void open();

  std::array<Stripe, kStripes> stripes_;
  alignas(64) std::atomic<std::uint32_t> closed_{0};
};

}  // namespace gantry::spend
