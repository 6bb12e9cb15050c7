#include "base/url.hpp"

#include <algorithm>
#include <charconv>

#include "base/ascii.hpp"

namespace gantry {
namespace {

std::unexpected<Failure> bad(std::string_view why) { return fail(Fault::bad_input, std::string(why)); }

std::optional<unsigned short> read_port(std::string_view digits) {
  unsigned short port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return port;
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const auto dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos || dot == 0 || dot > 3) return false;
    int value = 0;
    for (const char c : text.substr(0, dot)) {
      if (!is_digit(c)) return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255 || (dot > 1 && text.front() == '0')) return false;
    text.remove_prefix(part < 3 ? dot + 1 : dot);
  }
  return true;
}

// How many of the address's eight groups a run of them between "::" holds; nullopt when it is none.
std::optional<std::size_t> count_groups(std::string_view run, bool last_run) {
  std::size_t count = 0;
  while (!run.empty()) {
    const auto colon = run.find(':');
    const auto group = run.substr(0, colon);
    if (last_run && colon == std::string_view::npos && group.find('.') != std::string_view::npos)
      return is_ipv4(group) ? std::optional(count + 2) : std::nullopt;
    if (group.empty() || group.size() > 4 || !std::ranges::all_of(group, is_hex_digit)) return std::nullopt;
    ++count;
    if (colon == std::string_view::npos) break;
    run.remove_prefix(colon + 1);
    if (run.empty()) return std::nullopt;
  }
  return count;
}

// RFC 4291 §2.2.
bool is_ipv6(std::string_view text) {
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) return count_groups(text, true) == std::size_t{8};
  const auto before = count_groups(text.substr(0, gap), false);
  const auto after = count_groups(text.substr(gap + 2), true);
  return before && after && *before + *after < 8;
}

bool is_name(std::string_view host) {
  return std::ranges::all_of(host, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

// What a request line can carry as it is: visible ASCII without the characters that RFC 3986 leaves out.
bool is_path(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  });
}

// "host", "host:port", "[v6]", "[v6]:port".
struct Authority {
  std::string_view host;
  std::optional<std::string_view> port;
};
enum class Zone { refused, allowed };  // "[fe80::1%eth0]" means something on this machine alone
Result<Authority> split_authority(std::string_view text, Zone zone) {
  Authority out{.host = text.substr(0, text.find(':')), .port = {}};
  std::string_view rest = text.substr(out.host.size());
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    const auto close = text.find(']');
    rest = close == std::string_view::npos ? text : text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return bad("the IPv6 address is not closed by a bracket");
    out.host = text.substr(1, close - 1);
  }
  if (out.host.empty()) return bad("the host is missing");
  const auto address = zone == Zone::allowed ? out.host.substr(0, out.host.find('%')) : out.host;
  if (bracketed && !is_ipv6(address)) return bad("what stands in brackets is not an IPv6 address");
  if (!bracketed && !is_name(out.host)) return bad("the host holds a character that host names do not have");
  if (!rest.empty()) out.port = rest.substr(1);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), to_lower);
  return out;
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const auto parts = split_authority(text, Zone::allowed);
  if (!parts) return std::unexpected(parts.error());
  if (!parts->port) return bad("the port is missing");
  const auto port = read_port(*parts->port);
  if (!port) return bad("the port is not a number from 0 to 65535");
  return HostPort{std::string(parts->host), *port};
}

std::string to_string(const HostPort& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback(std::string_view host) {
  // "127.example.com" is a name like any other. Each call asks this, most with the first of these.
  return host == "127.0.0.1" || host == "::1" || equals_any_case(host, "localhost") ||
         (host.starts_with("127.") && is_ipv4(host));
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  const auto colon = text.find("://");
  const auto scheme = text.substr(0, colon);
  url.https = equals_any_case(scheme, "https");
  if (colon == std::string_view::npos || (!url.https && !equals_any_case(scheme, "http")))
    return bad("it begins with neither https:// nor http://");
  text.remove_prefix(colon + 3);
  if (text.find_first_of("?#") != std::string_view::npos)
    return bad("it has a query or a fragment, which has no place there");
  const auto slash = std::min(text.find('/'), text.size());
  auto authority = text.substr(0, slash);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    url.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  const auto parts = split_authority(authority, Zone::refused);
  if (!parts) return std::unexpected(parts.error());
  url.host = lower(parts->host);
  url.port = url.https ? 443 : 80;
  if (parts->port && !parts->port->empty()) {
    const auto port = read_port(*parts->port);
    if (!port || *port == 0) return bad("the port is not a number from 1 to 65535");
    url.port = *port;
  }
  url.path = text.substr(slash);
  if (!is_path(url.path)) return bad("the path holds a character that must be percent-encoded");
  while (url.path.ends_with('/')) url.path.pop_back();
  return url;
}

}  // namespace gantry
