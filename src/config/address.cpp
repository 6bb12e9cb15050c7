#include "config/address.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace gantry::config {
namespace {

std::optional<unsigned short> read_port(std::string_view text) {
  unsigned short port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_';
}
bool is_address_char(char c) { return is_host_char(c) || c == ':' || c == '%'; }

// Splits "host:port", "[v6]:port" and, when `port_needed` is false, a bare host.
enum class Port { needed, optional };
Result<HostPort> split_host(std::string_view text, Port port) {
  std::string_view host = text, rest;
  const bool bracket = text.starts_with('[');
  if (bracket) {
    const auto close = text.find(']');
    if (close == std::string_view::npos)
      return fail(Fault::bad_input, "the bracket of its IPv6 address is not closed");
    host = text.substr(1, close - 1), rest = text.substr(close + 1);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon), rest = text.substr(colon);
  }
  if (host.empty()) return fail(Fault::bad_input, "it names no host");
  if (!std::ranges::all_of(host, bracket ? is_address_char : is_host_char))
    return fail(Fault::bad_input, "its host holds a character that hosts cannot have");
  if (rest.empty() && port == Port::optional) return HostPort{std::string(host), 0};
  if (!rest.starts_with(':')) return fail(Fault::bad_input, "it names no port");
  const auto number = read_port(rest.substr(1));
  if (!number) return fail(Fault::bad_input, "its port is not a number from 0 to 65535");
  return HostPort{std::string(host), *number};
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) { return split_host(text, Port::needed); }

std::string to_string(const HostPort& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback(std::string_view host) {
  if (host == "::1" || host == "localhost") return true;
  if (!host.starts_with("127.")) return false;
  // "127.example.com" is a name like any other.
  return std::ranges::count(host, '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    url.https = true;
  } else if (!text.starts_with("http://")) {
    return fail(Fault::bad_input, "it does not start with http:// or https://");
  }
  text.remove_prefix(url.https ? 8 : 7);
  const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable) return fail(Fault::bad_input, "it holds a space or a character that URLs cannot have");
  if (text.find_first_of("?#") != std::string_view::npos)
    return fail(Fault::bad_input, "it has a query or a fragment, which a base URL cannot have");
  auto authority = text.substr(0, text.find('/'));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos)
    url.user_info = true, authority.remove_prefix(at + 1);
  auto host = split_host(authority, Port::optional);
  if (!host) return std::unexpected(host.error());
  url.host = std::move(host->host);
  return url;
}

}  // namespace gantry::config
