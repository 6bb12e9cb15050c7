#pragma once
// The admin API of a running server, over HTTP.

#include <string>
#include <string_view>

#include "access/admin.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace gantry::cli {

/// Whether a token may travel to this address: over https, or on this machine.
bool is_safe_for_tokens(std::string_view url);

/// Blocking, at most half a minute. `url` is scheme, host and port. Errors: bad_input for an address that is
/// none or is not safe for tokens; otherwise what the network said, with the address.
Result<access::AdminReply> ask_server(const std::string& url, const Secret& token,
                                      const access::AdminRequest& request);

}  // namespace gantry::cli
