#include "wire/pricing.hpp"

#include <string>

namespace gantry::wire {
namespace {

constexpr std::array<std::string_view, kPriceKeyCount> kNames = {"prompt",
                                                                 "completion",
                                                                 "request",
                                                                 "image",
                                                                 "image_token",
                                                                 "image_output",
                                                                 "audio",
                                                                 "audio_output",
                                                                 "input_audio_cache",
                                                                 "web_search",
                                                                 "internal_reasoning",
                                                                 "input_cache_read",
                                                                 "input_cache_write",
                                                                 "input_cache_write_1h"};

constexpr Duration kDay = std::chrono::days{1};

// A decimal, as text or as a number; nullopt for anything else, and for what is negative.
std::optional<Price> amount_of(JsonValue value) {
  if (!value.is_string() && value.kind() != JsonKind::number) return std::nullopt;
  const auto price = parse_price(value.is_string() ? *value.string() : std::string(value.raw()));
  return price && price->known() ? std::optional(*price) : std::nullopt;
}

// False when one of them is no price. Null is not told.
bool read_prices(JsonValue object, PriceList& out) {
  for (std::size_t i = 0; i < kPriceKeyCount; ++i) {
    const auto value = object.find(kNames[i]);
    if (!value) continue;
    const auto price = amount_of(*value);
    if (!price) return false;
    out.set(static_cast<PriceKey>(i), *price);
  }
  return true;
}

// 930 is 09:30, 2400 the end of the day.
std::optional<int> minute_of(JsonValue value) {
  const auto clock = value.integer();
  if (!clock || *clock < 0 || *clock > 2400 || *clock % 100 >= 60) return std::nullopt;
  return static_cast<int>(*clock / 100 * 60 + *clock % 100);
}

bool read_window(JsonValue object, std::optional<DailyWindow>& out) {
  const auto begin = object.find("utc_start"), end = object.find("utc_end");
  if (!begin && !end) return true;
  DailyWindow window;
  if (begin) {
    const auto minute = minute_of(*begin);
    if (!minute) return false;
    window.begin = *minute;
  }
  if (end) {
    const auto minute = minute_of(*end);
    if (!minute) return false;
    window.end = *minute;
  }
  out = window;
  return true;
}

bool read_override(JsonValue object, PriceOverride& out) {
  if (!object.is_object()) return false;
  if (const auto tokens = object.find("min_prompt_tokens")) {
    out.above_prompt_tokens = tokens->integer();
    if (!out.above_prompt_tokens) return false;
  }
  return read_window(object, out.window) && read_prices(object, out.prices);
}

bool read_discount(JsonValue object, Price& out) {
  const auto value = object.find("discount");
  if (!value) return true;
  const auto discount = amount_of(*value);
  if (!discount || discount->scale > CostSum::kDiscountScale || compare(*discount, Price{1, 0}) > 0)
    return false;
  out = *discount;
  return true;
}

Duration into_day(Duration since_midnight) {
  const Duration rest = since_midnight % kDay;
  return rest < Duration::zero() ? rest + kDay : rest;
}

}  // namespace

std::string_view name(PriceKey key) { return kNames[static_cast<std::size_t>(key)]; }

// Measured from the window's beginning: `from` lies inside it, or the beginning comes before `to`.
bool DailyWindow::touches(WallTime from, WallTime to) const {
  const Duration length = end - begin == 24 * 60 ? kDay : into_day(std::chrono::minutes{end - begin});
  const Duration place = into_day(from.time_since_epoch() - std::chrono::minutes{begin});
  return length > Duration::zero() && (place < length || to - from >= kDay - place);
}

bool PriceOverride::may_apply(std::int64_t prompt_tokens, WallTime from, WallTime to) const {
  return (!above_prompt_tokens || prompt_tokens > *above_prompt_tokens) &&
         (!window || window->touches(from, to));
}

PriceList Pricing::in_force(std::int64_t prompt_tokens, WallTime at) const {
  PriceList out = base;
  for (const PriceOverride& each : overrides) {
    if (!each.may_apply(prompt_tokens, at, at)) continue;
    for (std::size_t i = 0; i < kPriceKeyCount; ++i) {
      const auto key = static_cast<PriceKey>(i);
      if (const auto price = each.prices.find(key)) out.set(key, *price);
    }
  }
  return out;
}

std::optional<Pricing> read_pricing(JsonValue object) {
  Pricing out;
  if (!object.is_object() || !read_prices(object, out.base) || !read_discount(object, out.discount))
    return std::nullopt;
  if (!out.base.find(PriceKey::prompt) || !out.base.find(PriceKey::completion)) return std::nullopt;
  bool readable = true;
  if (const auto list = object.find("overrides")) {
    readable = list->is_array();
    list->each_element([&](JsonValue each) {
      if (!read_override(each, out.overrides.emplace_back())) readable = false;
    });
  }
  return readable ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace gantry::wire
