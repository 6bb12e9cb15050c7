// Base URLs: parsed once at start, so strictness costs nothing and says early what is wrong.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "net/http_client.hpp"

namespace gantry::net {
namespace {

constexpr unsigned short default_port(bool https) { return https ? 443 : 80; }

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_ipv6(const std::string& text) {
  in6_addr ignored;
  return ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

// What a request line can carry as it is: visible ASCII without the characters that RFC 3986 leaves out.
bool is_path(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  });
}

Result<unsigned short> parse_port(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value == 0 || value > 65535)
    return fail(Fault::bad_input, "the port is not a number from 1 to 65535");
  return static_cast<unsigned short>(value);
}

struct HostPort {
  std::string_view host, port;
  bool bracketed = false;
};

Result<HostPort> split_authority(std::string_view authority) {
  if (authority.find('@') != std::string_view::npos)
    return fail(Fault::bad_input,
                "a user name or password does not belong in a base URL; give the key as the key");
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    const auto rest = close == std::string_view::npos ? std::string_view{} : authority.substr(close + 1);
    if (close == std::string_view::npos || (!rest.empty() && rest.front() != ':'))
      return fail(Fault::bad_input, "the IPv6 address is not closed by a bracket");
    return HostPort{authority.substr(1, close - 1), rest.empty() ? rest : rest.substr(1), true};
  }
  const auto colon = authority.find(':');
  if (colon == std::string_view::npos) return HostPort{authority, {}, false};
  return HostPort{authority.substr(0, colon), authority.substr(colon + 1), false};
}

Result<std::string> parse_host(const HostPort& split) {
  std::string host(split.host);
  std::ranges::transform(host, host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (host.empty()) return fail(Fault::bad_input, "the host is missing");
  if (split.bracketed) {
    if (!is_ipv6(host)) return fail(Fault::bad_input, "what stands in brackets is not an IPv6 address");
    return host;
  }
  const bool sound =
      std::ranges::all_of(host, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
  if (!sound) return fail(Fault::bad_input, "the host holds a character that host names do not have");
  return host;
}

}  // namespace

std::string Origin::host_header() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != default_port(https)) text += ":" + std::to_string(port);
  return text;
}

Result<BaseUrl> parse_base_url(std::string_view text) {
  const auto colon = text.find("://");
  const auto scheme = text.substr(0, colon);
  BaseUrl url;
  url.origin.https = same_name(scheme, "https");
  if (colon == std::string_view::npos || (!url.origin.https && !same_name(scheme, "http")))
    return fail(Fault::bad_input, "a base URL begins with https:// or http://");
  const auto rest = text.substr(colon + 3);
  if (rest.find_first_of("?#") != std::string_view::npos)
    return fail(Fault::bad_input, "a base URL has no query and no fragment");
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto split = split_authority(rest.substr(0, slash));
  if (!split) return std::unexpected(split.error());
  const auto host = parse_host(*split);
  if (!host) return std::unexpected(host.error());
  url.origin.host = *host;
  url.origin.port = default_port(url.origin.https);
  if (!split->port.empty()) {
    const auto port = parse_port(split->port);
    if (!port) return std::unexpected(port.error());
    url.origin.port = *port;
  }
  auto path = rest.substr(slash);
  if (!is_path(path))
    return fail(Fault::bad_input, "the path holds a character that must be percent-encoded");
  while (path.ends_with('/')) path.remove_suffix(1);
  url.path = path;
  return url;
}

}  // namespace gantry::net
