#include "spend/cost.hpp"

#include <algorithm>

namespace gantry::spend {
namespace {

using wire::PriceKey;
using wire::PriceList;

// Takes up to `part` out of `whole`: parts that come to more than the whole are wrong, and never count twice.
std::int64_t take(std::int64_t& whole, std::int64_t part) {
  const std::int64_t taken = std::clamp<std::int64_t>(part, 0, whole);
  whole -= taken;
  return taken;
}

void add_prompt(CostSum& sum, const wire::Usage& usage, const PriceList& prices, const Circumstances& when) {
  const Price prompt = prices.find(PriceKey::prompt, Price{});
  const Price five_minutes = prices.find(PriceKey::input_cache_write, prompt);
  const Price write =
      when.caches_long ? prices.find(PriceKey::input_cache_write_1h, five_minutes) : five_minutes;
  std::int64_t plain = usage.prompt_tokens.value_or(0);
  sum.add(prices.find(PriceKey::input_cache_read, prompt), take(plain, usage.cached_tokens.value_or(0)));
  const std::int64_t written = take(plain, usage.details.cache_write_tokens);
  sum.add(write, written);
  // A price below the prompt's comes on top of it (dearest.cpp).
  if (compare(write, prompt) < 0) sum.add(prompt, written);
  sum.add(prices.find(PriceKey::audio, prompt), take(plain, usage.details.prompt_audio_tokens));
  sum.add(prompt, plain);
}

void add_completion(CostSum& sum, const wire::Usage& usage, const PriceList& prices) {
  const Price completion = prices.find(PriceKey::completion, Price{});
  std::int64_t plain = usage.completion_tokens.value_or(0);
  sum.add(prices.find(PriceKey::internal_reasoning, completion),
          take(plain, usage.reasoning_tokens.value_or(0)));
  sum.add(prices.find(PriceKey::audio_output, completion),
          take(plain, usage.details.completion_audio_tokens));
  sum.add(completion, plain);
}

std::string_view missing(const wire::Usage& usage, const PriceList& prices, const Circumstances& when) {
  if (usage.is_byok) return "the provider bills it";
  if (!usage.prompt_tokens || !usage.completion_tokens) return "token counts are missing";
  if (usage.details.server_tool_calls > usage.details.web_searches) return "OpenRouter ran tools for it";
  if (usage.details.web_searches > 0 && !prices.find(PriceKey::web_search)) return "web search has no price";
  // Spec and field differ in whether this is the price of an image or of its tokens.
  if (usage.details.completion_image_tokens > 0 && prices.find(PriceKey::image_output))
    return "the number of images is not told";
  if (when.images > 0 && prices.find(PriceKey::image_token)) return "the tokens of images are not told";
  return "";
}

}  // namespace

Result<PicoUsd> computed_cost(const wire::Usage& usage, const wire::Pricing& pricing,
                              const Circumstances& when) {
  const PriceList prices = pricing.in_force(usage.prompt_tokens.value_or(0), when.at);
  if (const auto what = missing(usage, prices, when); !what.empty())
    return fail(Fault::not_found, "the cost cannot be computed: " + std::string(what));
  CostSum sum;
  add_prompt(sum, usage, prices, when);
  add_completion(sum, usage, prices);
  sum.add(prices.find(PriceKey::request, Price{}), 1);
  sum.add(prices.find(PriceKey::image, Price{}), when.images);
  sum.add(prices.find(PriceKey::web_search, Price{}), usage.details.web_searches);
  return sum.total_less(pricing.discount);
}

bool known_free(const End& end) {
  if (end.cache_hit && end.prompt_tokens == 0 && end.completion_tokens == 0) return true;
  if (end.other_fees) return false;
  return end.finish == wire::FinishReason::error ||
         (end.finish == wire::FinishReason::none && end.completion_tokens == 0);
}

}  // namespace gantry::spend
