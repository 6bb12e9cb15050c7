#pragma once
// Whose call it is: found after the head and before the body (DESIGN §6, Inbound auth). Pure but for the
// clients' rates, which count.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/till.hpp"
#include "gateway/treasury.hpp"
#include "net/http_server.hpp"
#include "wire/request.hpp"

namespace gantry::gateway {

struct Caller {
  ClientsSnapshot clients;                  ///< holds what the rest points into
  const access::KeyEntry* entry = nullptr;  ///< null: a call without a key
  spend::Admission place{};                 ///< among the key's calls at a time

  [[nodiscard]] engine::Payer payer() const;
};

/// The text of the client's key; "" when it sent none.
std::string_view key_text(const net::HeaderView& headers);

/// Who asks. Without a key only where none is needed: `keys_needed`. Errors: 401 or 403.
std::expected<Caller, wire::Refusal> identify(const ClientsSnapshot& clients, const net::HeaderView& headers,
                                              bool keys_needed, WallTime now);

struct TooMany {
  wire::Refusal refusal;
  std::int64_t retry_after_s = 1;
};
/// Takes the call's place among the key's: requests and tokens a minute, calls at a time. `tokens` is an
/// estimate.
std::optional<TooMany> admit_rate(Caller& caller, std::int64_t tokens, MonoTime now);

}  // namespace gantry::gateway
