#pragma once
// Addresses and URLs as far as the configuration must understand them. Pure: no name is looked up.

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gantry::config {

struct HostPort {
  std::string host;  ///< without brackets
  unsigned short port = 0;
  bool operator==(const HostPort&) const = default;
};
/// "127.0.0.1:8700", "[::1]:8700", "localhost:0". Errors: bad_input saying what is wrong.
Result<HostPort> parse_host_port(std::string_view text);
/// "127.0.0.1:8700", "[::1]:8700".
std::string to_string(const HostPort& address);

/// 127.0.0.0/8, ::1 and localhost. Other names are not trusted to lead here.
bool is_loopback(std::string_view host);

struct Url {
  bool https = false;
  std::string host;  ///< without brackets
  bool user_info = false;
};
/// scheme://[user@]host[:port][/path] with scheme http or https, without query and fragment. Errors:
/// bad_input.
Result<Url> parse_url(std::string_view text);

}  // namespace gantry::config
