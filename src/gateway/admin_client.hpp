#pragma once
// The other end of the admin API: what `gantry breakers` asks of a running server, and how it shows the
// answer.

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http_client.hpp"

namespace gantry::gateway {

/// What GET /admin/v1/breakers answers. Errors: those of the network, naming the server; not_found when
/// something else than a gateway answers there; bad_input with the server's words when it refuses.
Result<std::string> fetch_breakers(const net::BaseUrl& server);

/// Closes the breakers of this name, or all when it is empty: how many were not closed before. Errors: as
/// above.
Result<long> reset_breakers(const net::BaseUrl& server, std::string_view name);

/// The answer of fetch_breakers as a table, what is not closed first. Pure. Errors: malformed.
Result<std::string> breakers_table(std::string_view json);

}  // namespace gantry::gateway
