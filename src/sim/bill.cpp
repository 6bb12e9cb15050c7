#include "sim/bill.hpp"

#include <fmt/format.h>

#include "sim/json_text.hpp"

namespace gantry::sim {
namespace {

class Pricer {
 public:
  Pricer(const Pricing& pricing, std::int64_t prompt_tokens, WallTime now)
      : pricing_(pricing), prompt_tokens_(prompt_tokens), now_(now) {}

  // The first of the components that has a price.
  [[nodiscard]] Price unit(std::initializer_list<std::string_view> components) const {
    Price found;
    for (const auto component : components) {
      found = pricing_.unit(component, prompt_tokens_, now_);
      if (found.units != 0) break;
    }
    return found;
  }

 private:
  const Pricing& pricing_;
  std::int64_t prompt_tokens_;
  WallTime now_;
};

// What the cached tokens would have cost as plain prompt, less what they cost.
PicoUsd saved_by_cache(const Usage& usage, const Pricer& pricer, Price read, Price write) {
  CostSum plain, cached;
  plain.add(pricer.unit({"prompt"}), usage.cached_tokens + usage.cache_write_tokens);
  cached.add(read, usage.cached_tokens);
  cached.add(write, usage.cache_write_tokens);
  const auto without = plain.total(), with = cached.total();
  return without && with ? PicoUsd{without->value - with->value} : PicoUsd{};
}

// amount × factor, rounded half-even; the amount itself where the product leaves the range.
PicoUsd times(PicoUsd amount, Price factor) {
  CostSum product;
  product.add({factor.units, factor.scale + 12}, amount.value);
  return product.total().value_or(amount);
}

PicoUsd rounded(PicoUsd amount, Rounding to) {
  std::int64_t step = 1;
  for (int i = to.digits; i < 12; ++i) step *= 10;
  const auto rest = amount.value % step;
  return PicoUsd{amount.value - rest + (to.up && rest > 0 ? step : 0)};
}

Price factor_of(std::string_view text) { return parse_price(text).value_or(Price{1, 0}); }

}  // namespace

Result<Bill> price(const Usage& usage, const Pricing& pricing, WallTime now) {
  const Pricer pricer(pricing, usage.prompt_tokens, now);
  CostSum prompt, completion, total;
  const auto add = [&](CostSum& part, Price each, std::int64_t count) {
    part.add(each, count);
    total.add(each, count);
  };
  const auto read = pricer.unit({"input_cache_read", "prompt"});
  const auto write = usage.cached_for_hour
                         ? pricer.unit({"input_cache_write_1h", "input_cache_write", "prompt"})
                         : pricer.unit({"input_cache_write", "prompt"});
  add(prompt, pricer.unit({"prompt"}),
      usage.prompt_tokens - usage.audio_tokens - usage.image_tokens - usage.cached_tokens -
          usage.cache_write_tokens);
  add(prompt, pricer.unit({"audio", "prompt"}), usage.audio_tokens);
  add(prompt, pricer.unit({"image_token", "prompt"}), usage.image_tokens);
  add(prompt, pricer.unit({"image"}), usage.images);
  add(prompt, read, usage.cached_tokens);
  add(prompt, write, usage.cache_write_tokens);
  add(completion, pricer.unit({"completion"}), usage.completion_tokens - usage.reasoning_tokens);
  add(completion, pricer.unit({"internal_reasoning", "completion"}), usage.reasoning_tokens);
  total.add(pricer.unit({"web_search"}), usage.searches);
  if (usage.total() > 0) total.add(pricer.unit({"request"}), 1);
  const auto t = total.total(), p = prompt.total(), c = completion.total();
  if (!t || !p || !c) return fail(Fault::bad_input, "the model has no price before it is routed");
  return Bill{.total = *t,
              .prompt = *p,
              .completion = *c,
              .upstream = {},
              .saved = saved_by_cache(usage, pricer, read, write)};
}

Usage insured(const Usage& usage) { return {.searches = usage.searches}; }

Bill distorted(Bill bill, const FaultSet& faults) {
  if (const auto* fee = faults.get(FaultKind::byok)) {
    auto percent = factor_of(fee->text);
    percent.scale += 2;
    bill.byok = true;
    bill.upstream = bill.total;
    bill.total = times(bill.total, percent);
  }
  if (const auto* factor = faults.get(FaultKind::bill_factor))
    bill.total = times(bill.total, factor_of(factor->text));
  if (const auto* round = faults.get(FaultKind::round))
    bill.total = rounded(bill.total, parse_rounding(round->text).value_or(Rounding{}));
  return bill;
}

void append_usage(std::string& out, const Usage& usage, const Bill& bill, const FaultSet& faults) {
  const bool told = !faults.has(FaultKind::no_cost);
  out += fmt::format(R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{})", usage.prompt_tokens,
                     usage.completion_tokens, usage.total());
  if (told) out.append(R"(,"cost":)").append(to_decimal(bill.total));
  out.append(R"(,"is_byok":)").append(bill.byok ? "true" : "false");
  out += fmt::format(
      R"(,"prompt_tokens_details":{{"cached_tokens":{},"cache_write_tokens":{},"audio_tokens":{},"video_tokens":0}})",
      usage.cached_tokens, usage.cache_write_tokens, usage.audio_tokens);
  out += fmt::format(R"(,"completion_tokens_details":{{"reasoning_tokens":{}}})", usage.reasoning_tokens);
  if (usage.searches > 0)
    out += fmt::format(R"(,"server_tool_use_details":{{"web_search_requests":{}}})", usage.searches);
  if (told)
    out += fmt::format(
        R"(,"cost_details":{{"upstream_inference_cost":{},"upstream_inference_prompt_cost":{},"upstream_inference_completions_cost":{}}})",
        bill.byok ? to_decimal(bill.upstream) : "null", to_decimal(bill.prompt), to_decimal(bill.completion));
  out += '}';
}

}  // namespace gantry::sim
