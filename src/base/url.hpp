#pragma once
// Addresses and URLs as an operator writes them. Pure: no name is looked up. Strict, since each is read once,
// at the start, where it can still be told what is wrong.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gantry {

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
  std::optional<std::string> user_info;  ///< as written, before the '@'
  std::string host;                      ///< lower case, without brackets
  unsigned short port = 0;               ///< the scheme's own unless given
  std::string path;                      ///< as written, without slashes at its end
};
/// scheme://[user@]host[:port][/path] with scheme http or https, without query and fragment. Errors:
/// bad_input saying what is wrong, in words that follow a colon.
Result<Url> parse_url(std::string_view text);

}  // namespace gantry
