#pragma once
// A price list as OpenRouter writes it (CONTRACT §8.2), with every digit kept. Read once and never changed:
// safe to read from any thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/time.hpp"
#include "wire/json_index.hpp"

namespace gantry::wire {

/// What has a price of its own, per token unless said otherwise.
enum class PriceKey : std::uint8_t {
  prompt,
  completion,
  request,       ///< a request
  image,         ///< an image of the prompt
  image_token,   ///< a token of an image
  image_output,  ///< an image of the answer
  audio,         ///< of the prompt
  audio_output,
  input_audio_cache,
  web_search,  ///< a search
  internal_reasoning,
  input_cache_read,
  input_cache_write,  ///< for five minutes
  input_cache_write_1h,
};
inline constexpr std::size_t kPriceKeyCount = 14;
/// Its name on the wire.
std::string_view name(PriceKey key);

/// The prices that are told; none of them is negative.
class PriceList {
 public:
  [[nodiscard]] std::optional<Price> find(PriceKey key) const {
    const Price price = prices_[static_cast<std::size_t>(key)];
    return price.known() ? std::optional(price) : std::nullopt;
  }
  /// What is not told costs what `otherwise` does.
  [[nodiscard]] Price find(PriceKey key, Price otherwise) const { return find(key).value_or(otherwise); }
  void set(PriceKey key, Price price) { prices_[static_cast<std::size_t>(key)] = price; }

 private:
  static constexpr Price kUntold{-1, 0};
  std::array<Price, kPriceKeyCount> prices_ = {kUntold, kUntold, kUntold, kUntold, kUntold, kUntold, kUntold,
                                               kUntold, kUntold, kUntold, kUntold, kUntold, kUntold, kUntold};
};

/// A part of each UTC day, in minutes from midnight: [begin, end), over midnight when the end comes first.
struct DailyWindow {
  int begin = 0;
  int end = 24 * 60;
  bool operator==(const DailyWindow&) const = default;
  /// Whether some moment of [from, to] lies in it.
  [[nodiscard]] bool touches(WallTime from, WallTime to) const;
};

/// Other prices under conditions, all of which must hold.
struct PriceOverride {
  std::optional<std::int64_t> above_prompt_tokens;  ///< strictly
  std::optional<DailyWindow> window;
  PriceList prices;
  /// Whether it applies to some prompt of at most so many tokens at some moment of [from, to].
  [[nodiscard]] bool may_apply(std::int64_t prompt_tokens, WallTime from, WallTime to) const;
};

/// A whole price list, of which at least prompt and completion are known.
struct Pricing {
  PriceList base;
  Price discount{};                      ///< a fraction; prices are without it
  std::vector<PriceOverride> overrides;  ///< of those that apply, the later one wins for each price
  /// What a prompt of this size costs at that moment, before the discount.
  [[nodiscard]] PriceList in_force(std::int64_t prompt_tokens, WallTime at) const;
};

/// nullopt when it gives no price: prompt or completion is missing, or anything in it is negative ("-1":
/// known only once a router has chosen), not a number, or a condition nobody can read. Unknown fields are
/// passed over.
std::optional<Pricing> read_pricing(JsonValue object);

}  // namespace gantry::wire
