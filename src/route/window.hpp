#pragma once
// How often one scope was asked lately and how often that failed, told apart by client: what a breaker
// judges an error rate by. Pure.
//
// One cell is one shard's count of half a window in 64 bits, so that one writer can store it and any
// thread read it whole. A shard keeps two cells a scope and writes them in turn; a reader takes those of
// this half-window and the one before, which makes the window roll in halves.
//
//   | half-window 16 | successes 13 | failures of five crowds of clients, 7 each |
//
// A full counter halves all of its cell: the rate stays, and the older half weighs less. A half-window's
// number comes round after 2^16 of them (11 days at 15 s); a cell that was not touched for exactly that
// long is taken for new once.

#include <array>
#include <cstdint>

namespace gantry::route {

/// Clients are sorted into this many crowds by their identity (breaker.hpp, Client).
inline constexpr int kCrowds = 5;

class WindowCell {
 public:
  constexpr explicit WindowCell(std::uint64_t word = 0) : word_(word) {}
  [[nodiscard]] constexpr std::uint64_t word() const { return word_; }
  [[nodiscard]] constexpr std::uint16_t half() const { return static_cast<std::uint16_t>(word_); }
  [[nodiscard]] constexpr std::uint32_t successes() const { return (word_ >> 16) & kFullSuccesses; }
  [[nodiscard]] constexpr std::uint32_t failures(int crowd) const {
    return (word_ >> shift(crowd)) & kFullFailures;
  }
  /// The crowd that failed least: where a client without an identity is counted.
  [[nodiscard]] int least() const;

  /// The cell after one more success or failure in half-window `half`; what it held of another is dropped.
  [[nodiscard]] constexpr WindowCell with_success(std::uint16_t half) const {
    WindowCell cell = half == this->half() ? *this : WindowCell(half);
    if (cell.successes() == kFullSuccesses) cell = cell.halved();
    return WindowCell(cell.word_ + (std::uint64_t{1} << 16));
  }
  /// `crowd` < 0: the crowd that failed least.
  [[nodiscard]] WindowCell with_failure(std::uint16_t half, int crowd) const;

 private:
  static constexpr std::uint64_t kFullSuccesses = (1 << 13) - 1, kFullFailures = (1 << 7) - 1;
  static constexpr int shift(int crowd) { return 29 + 7 * crowd; }
  [[nodiscard]] WindowCell halved() const;

  std::uint64_t word_;
};

/// The cells of all shards, added up.
struct WindowCounts {
  std::uint32_t successes = 0;
  std::array<std::uint32_t, kCrowds> failures{};
  void add(WindowCell cell);
};

}  // namespace gantry::route
