#pragma once
// This gateway's own errors, in OpenRouter's envelope. Internal to src/gateway.

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http_server.hpp"

namespace gantry::gateway {

struct Refused {
  int status;
  std::string message;
  std::string remedy;
  std::string error_type;
  std::int64_t retry_after_s = 0;  ///< 0 = not told
};

/// `allow` is a fixed text: the method of a 405.
Task<void> refuse(net::Exchange& exchange, Refused why, std::string_view allow = {});

}  // namespace gantry::gateway
