#pragma once
// hold = "calibrated" while a stream goes on: when to set more aside, how much, and when the stream is at its
// budget (DESIGN §5). Pure.
//
// The hold begins at what is learned (spend/calibrated.hpp) and never grows past the bound, where it is as
// sure as any other. What has been spent so far is reckoned from the tokens that came and the dearest price
// of a token; what no stream shows (reasoning that is kept back, searches) is not in it.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/money.hpp"
#include "spend/bound.hpp"
#include "wire/cost_drivers.hpp"

namespace gantry::engine {

/// Counts the tokens of a stream: a chunk with content has one, and one more for each four bytes that it is
/// longer than the shortest, since some providers put several into one.
class TokenCount {
 public:
  void chunk(std::size_t bytes) {
    const auto size = static_cast<std::int64_t>(bytes);
    if (chunks_ == 0 || size < shortest_) shortest_ = size;
    ++chunks_;
    bytes_ += size;
  }
  [[nodiscard]] std::int64_t tokens() const { return chunks_ + (bytes_ - chunks_ * shortest_) / 4; }

 private:
  std::int64_t chunks_ = 0, bytes_ = 0, shortest_ = 0;
};

class SoftHold {
 public:
  /// `held` is no more than `bound`, nullopt when there is none. `prompt` is what the request costs before
  /// its first token; `token` a token of the answer, unknown when nobody knows.
  SoftHold(PicoUsd held, std::optional<PicoUsd> bound, PicoUsd prompt, Price token);

  /// More should be set aside by now.
  [[nodiscard]] bool due() const;
  /// How much: enough for the tokens that came and as much again, and at least half of what is held, up to
  /// the bound. More than nothing when due.
  [[nodiscard]] PicoUsd more() const;
  void extended(PicoUsd by);
  /// There is no more. True when what is held is spent: the stream must end. Else it goes on, and more is
  /// asked for once more when half of the rest is spent.
  [[nodiscard]] bool refused();
  [[nodiscard]] PicoUsd held() const { return held_; }
  /// Those that came.
  [[nodiscard]] TokenCount& count() { return count_; }

 private:
  [[nodiscard]] PicoUsd spent() const;

  PicoUsd held_;
  std::optional<PicoUsd> bound_;
  PicoUsd prompt_;
  Price token_;
  PicoUsd look_at_;  // due from here on
  TokenCount count_;
};

/// For a request of so many bytes, which these may answer.
SoftHold soft_hold(PicoUsd held, std::optional<PicoUsd> bound, const wire::CostDrivers& drivers,
                   const spend::Served& served, std::int64_t request_bytes);

}  // namespace gantry::engine
