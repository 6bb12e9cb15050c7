#pragma once
// When a proxy is in the way (HTTPS_PROXY, NO_PROXY), and how to get through it (RFC 9110 §9.3.6). Inside
// src/net only.

#include <string>
#include <string_view>

#include "net/http_client.hpp"

namespace gantry::net {

struct Proxy {
  Origin origin;              ///< always plain http
  std::string authorization;  ///< value of Proxy-Authorization; empty = none
};
/// http://[user:password@]host[:port]; the port is 80 unless given. Errors: bad_input.
Result<Proxy> parse_proxy(std::string_view url);

/// True when `origin` is reached directly: loopback always, else by the NO_PROXY list: `*`, host names with
/// all their subdomains (a leading `.` or `*.` is the same), addresses, each with an optional port.
bool bypasses_proxy(std::string_view no_proxy, const Origin& origin);

/// Asks the proxy at the other end of `socket` for a tunnel to `origin`. Errors: refused with the proxy's
/// status, malformed, timed_out, cancelled, closed, reset.
Task<Result<void>> open_tunnel(Socket& socket, const Proxy& proxy, const Origin& origin, MonoTime deadline);

}  // namespace gantry::net
