#pragma once
// What an answer costs, by the rule of CONTRACT §8.2, worked out here and nowhere else: the gateway's own
// sums are tested against it. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/money.hpp"
#include "base/time.hpp"
#include "sim/catalogue.hpp"
#include "sim/faults.hpp"

namespace gantry::sim {

/// Token counts of one answer, by the simulator's tokenizer (texts.hpp). Prompt: 3 a message, one per four
/// bytes of each text part and each tool definition, 85 an image, 10 a KiB of audio; prompt_tokens holds them
/// all, the cached ones too.
struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;  ///< reasoning included
  std::int64_t reasoning_tokens = 0;
  std::int64_t audio_tokens = 0;
  std::int64_t image_tokens = 0;
  std::int64_t images = 0;
  std::int64_t cached_tokens = 0;       ///< read from the prompt cache
  std::int64_t cache_write_tokens = 0;  ///< written to it, for five minutes or an hour
  bool cached_for_hour = false;
  std::int64_t searches = 0;
  [[nodiscard]] std::int64_t total() const { return prompt_tokens + completion_tokens; }
};

struct Bill {
  PicoUsd total;               ///< what the key is charged: usage.cost
  PicoUsd prompt, completion;  ///< its parts, each rounded on its own
  PicoUsd upstream;            ///< BYOK: the provider's bill, which the key is not charged
  PicoUsd saved;               ///< what the prompt cache took off; negative where writing cost more
  bool byok = false;
};

/// Every unit at its price in force (override, discount), the sum rounded once, half-even, to 10⁻¹² USD. What
/// has no price of its own is billed as what it stands for: audio, images' tokens and cached tokens as
/// prompt, reasoning as completion. Errors: bad_input when the model has no price before routing (-1).
Result<Bill> price(const Usage& usage, const Pricing& pricing, WallTime now);

/// Zero-completion insurance (CONTRACT §10.1): the searches have run and are billed, the tokens are not.
Usage insured(const Usage& usage);

/// What the money faults (byok, bill-factor, round) make of a bill.
Bill distorted(Bill bill, const FaultSet& faults);

/// `"usage":{…}`'s object (CONTRACT §4.1, §4.4).
void append_usage(std::string& out, const Usage& usage, const Bill& bill, const FaultSet& faults);

}  // namespace gantry::sim
