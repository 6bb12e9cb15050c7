#include "spend/bound.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/saturate.hpp"
#include "spend/dearest.hpp"

namespace gantry::spend {
namespace {

using wire::Boundless;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::string_view reason_of(Boundless why) {
  switch (why) {
    case Boundless::server_tool:
      return "tools that OpenRouter runs cost as much as they are used";
    case Boundless::plugin:
      return "this plugin may cost, and nothing in the request says how much";
    case Boundless::web_search:
      return "web search costs as much as it is used";
    case Boundless::preset:
      return "a preset brings settings that are not in the request";
    case Boundless::url_media:
      return "what is behind an address or an id is not in the request; send it inline as a data URL";
    case Boundless::file_parsing:
      return "reading files for the model may cost; ask for the plugin file-parser with pdf.engine "
             "\"native\"";
    case Boundless::unknown_part:
      return "it is a kind of part whose cost is not known";
    case Boundless::unknown_field:
      return "it is a field that may cost, and Gantry does not know how much";
  }
  return "its cost is not known";
}

std::unexpected<Unbounded> no_bound(std::string field, std::string_view reason) {
  return std::unexpected(Unbounded{std::move(field), std::string(reason)});
}

// price × 10⁶ as a decimal.
std::string per_million(Price price) {
  std::string digits = std::to_string(price.units);
  if (price.scale <= 6) {
    if (price.units != 0) digits.append(static_cast<std::size_t>(6 - price.scale), '0');
    return digits;
  }
  const auto decimals = static_cast<std::size_t>(price.scale - 6);
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - decimals, ".");
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

// All of a bound but the token limit.
struct Terms {
  Endpoints endpoints;
  Rates rates;
  std::int64_t prompt_tokens = 0;

  [[nodiscard]] Result<PicoUsd> with(const wire::CostDrivers& drivers, std::int64_t max_tokens) const {
    std::int64_t answer = saturating_add(max_tokens, drivers.reasoning_tokens);
    if (endpoints.context) answer = std::min(answer, *endpoints.context);
    CostSum sum;
    sum.add(rates.input, prompt_tokens);
    sum.add(rates.cache_fee, prompt_tokens);
    sum.add(rates.output,
            saturating_multiply(drivers.answers, saturating_add(answer, drivers.prediction_bytes)));
    sum.add(rates.request, 1);
    sum.add(rates.image, drivers.images);
    return sum.total(Rounding::up);
  }
};

// What is not media.
std::int64_t text_tokens(const wire::CostDrivers& drivers) {
  const std::int64_t pieces = saturating_add(drivers.messages, drivers.pieces);
  const std::int64_t around = saturating_add(saturating_multiply(pieces, kTokensPerPiece), kTokensPerRequest);
  return saturating_add(saturating_add(drivers.prompt_bytes, around), drivers.tools ? kTokensForTools : 0);
}

std::expected<Terms, Unbounded> terms_of(const wire::CostDrivers& drivers, const Served& served) {
  if (!drivers.boundless.empty())
    return no_bound(drivers.boundless.front().field, reason_of(drivers.boundless.front().why));
  auto endpoints = endpoints_of(drivers, served);
  if (!endpoints) return std::unexpected(std::move(endpoints.error()));
  Terms out;
  out.endpoints = *endpoints;
  out.prompt_tokens = drivers.media() ? kMost : text_tokens(drivers);
  if (endpoints->context) out.prompt_tokens = std::min(out.prompt_tokens, *endpoints->context);
  out.rates = dearest(drivers, served, out.prompt_tokens, endpoints->listed_only);
  const bool priced = out.rates.input.units > 0 || out.rates.cache_fee.units > 0;
  if (drivers.media() && !endpoints->context && priced)
    return no_bound("messages",
                    "how many tokens images, audio, video and files become is bounded only by the "
                    "model's context length, which is not known");
  return out;
}

}  // namespace

std::expected<Bound, Unbounded> bound(const wire::CostDrivers& drivers, const Served& served) {
  const auto terms = terms_of(drivers, served);
  if (!terms) return std::unexpected(terms.error());
  const auto limit = drivers.max_tokens ? drivers.max_tokens : terms->endpoints.max_completion;
  if (!limit && terms->rates.output.units > 0)
    return no_bound("max_tokens", "without it an answer may be of any length");
  const auto most = terms->with(drivers, limit.value_or(kMost));
  if (!most) return no_bound("max_tokens", "it allows more than any budget can hold");
  Bound out{.most = *most, .cap = std::nullopt};
  if (terms->endpoints.listed_only)
    out.cap = PriceCap{per_million(terms->rates.prompt), per_million(terms->rates.completion)};
  return out;
}

// The bound grows with max_tokens, so the largest that fits is searched by halving.
std::optional<std::int64_t> affordable_tokens(const wire::CostDrivers& drivers, const Served& served,
                                              PicoUsd budget) {
  const auto terms = terms_of(drivers, served);
  if (!terms) return std::nullopt;
  const auto fits = [&](std::int64_t max_tokens) {
    const auto most = terms->with(drivers, max_tokens);
    return most && *most <= budget;
  };
  std::int64_t fit = 0, above = saturating_add(drivers.max_tokens.value_or(kMostTokens), 1);
  while (above - fit > 1) {
    const std::int64_t middle = fit + (above - fit) / 2;
    (fits(middle) ? fit : above) = middle;
  }
  return fit > 0 ? std::optional(fit) : std::nullopt;
}

}  // namespace gantry::spend
