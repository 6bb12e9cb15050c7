#pragma once
// The last good list of models as the ledger keeps it: what PriceTable reads of it and no more, so that a
// gateway that starts while OpenRouter's lists cannot be read knows prices all the same (DESIGN §5). Pure.
//
// It says nothing of what models can do: an old list passes nobody over (docs/decisions/0012).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/price_table.hpp"

namespace gantry::engine {

/// Under which names the ledger keeps the list, and when it was last told.
inline constexpr std::string_view kKeptPrices = "prices";
inline constexpr std::string_view kKeptPricesAt = "prices.at";
/// A longer document is not kept. OpenRouter's own list comes to a fraction of it.
inline constexpr std::size_t kMostKept = std::size_t{8} * 1024 * 1024;

/// Of the body of GET /models at this upstream. The same for lists that tell the same prices. Errors:
/// malformed; too_large.
Result<std::string> prices_to_keep(std::string_view base_url, std::string_view models);
/// Of a document that was kept. Errors: malformed, also without a model; not_found, when it is of another
/// upstream.
Result<wire::PriceTable> kept_prices(std::string_view document, std::string_view base_url);

/// A moment as it is kept; nullopt when the text is none.
std::string moment_to_keep(WallTime at);
std::optional<WallTime> kept_moment(std::string_view text);

}  // namespace gantry::engine
