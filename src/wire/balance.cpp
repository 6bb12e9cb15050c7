#include "wire/balance.hpp"

#include <string>

#include "wire/json_index.hpp"

namespace gantry::wire {
namespace {

using Amount = std::optional<PicoUsd>;

// Absent and null are nothing told.
Result<Amount> amount_of(const JsonValue& data, std::string_view name) {
  const auto value = data.find(name);
  if (!value || value->is_null()) return std::nullopt;
  const auto text = value->is_string() ? value->string() : std::optional(std::string(value->raw()));
  const auto amount = text ? parse_usd(*text) : fail(Fault::bad_input);
  if (!amount) return fail(Fault::malformed, std::string(name) + " is no amount");
  return *amount;
}

Result<Amount> positive(const JsonValue& data, std::string_view name) {
  auto amount = amount_of(data, name);
  if (amount && *amount && **amount < PicoUsd{})
    return fail(Fault::malformed, std::string(name) + " is negative");
  return amount;
}

// Calls `read` with the "data" object of the body.
template <class Read>
auto with_data(std::string_view body, Read read) -> decltype(read(std::declval<const JsonValue&>())) {
  JsonIndex index;
  if (const auto error = index.parse(body))
    return fail(Fault::malformed, "the reply is not JSON: " + std::string(error->what));
  const auto data = index.root().find("data");
  if (!data || !data->is_object()) return fail(Fault::malformed, "the reply has no data");
  return read(*data);
}

}  // namespace

Result<KeyBalance> read_key_balance(std::string_view body) {
  return with_data(body, [](const JsonValue& data) -> Result<KeyBalance> {
    const auto left = amount_of(data, "limit_remaining"), usage = positive(data, "usage");
    if (!left) return std::unexpected(left.error());
    if (!usage) return std::unexpected(usage.error());
    return KeyBalance{.left = *left, .usage = *usage};
  });
}

Result<AccountCredits> read_account_credits(std::string_view body) {
  return with_data(body, [](const JsonValue& data) -> Result<AccountCredits> {
    const auto bought = positive(data, "total_credits"), used = positive(data, "total_usage");
    if (!bought) return std::unexpected(bought.error());
    if (!used) return std::unexpected(used.error());
    if (!*bought || !*used) return fail(Fault::malformed, "the reply does not tell both amounts");
    return AccountCredits{.bought = **bought, .used = **used};
  });
}

}  // namespace gantry::wire
