#include "net/proxy.hpp"

#include <array>
#include <cstdint>

#include "base/url.hpp"
#include "net/http_parser.hpp"

namespace gantry::net {
namespace {

constexpr std::size_t kMaxProxyHead = 16 * 1024;

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool encoded =
        text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    plain += encoded ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (encoded) i += 2;
  }
  return plain;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// One entry of NO_PROXY. A colon means a port unless there are several: then it is a bare IPv6 address.
bool entry_matches(std::string_view entry, const Origin& origin) {
  if (entry == "*") return true;
  if (entry.starts_with('[')) {
    const auto close = entry.find(']');
    if (close == std::string_view::npos) return false;
    const auto port = entry.substr(close + 1);
    return entry.substr(1, close - 1) == origin.host &&
           (port.empty() || port == ":" + std::to_string(origin.port));
  }
  const auto colon = entry.find(':');
  if (colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos) {
    if (entry.substr(colon + 1) != std::to_string(origin.port)) return false;
    entry = entry.substr(0, colon);
    if (entry == "*") return true;
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty()) return false;
  const std::string_view host = origin.host;
  if (same_name(host, entry)) return true;
  return host.size() > entry.size() && host[host.size() - entry.size() - 1] == '.' &&
         same_name(host.substr(host.size() - entry.size()), entry);
}

// The head of the proxy's answer, and not a byte more: nobody speaks first in a fresh tunnel.
Task<Result<int>> read_answer(Socket& socket, MonoTime deadline) {
  std::string bytes(kMaxProxyHead, '\0');
  std::size_t filled = 0;
  ResponseParser parser(HeadLimits{.bytes = kMaxProxyHead - 1});
  for (;;) {
    const IoResult got = co_await socket.read_some({bytes.data() + filled, bytes.size() - filled}, deadline);
    if (!got.ok) co_return fail(got.fault, "while the proxy was to answer CONNECT");
    filled += got.bytes;
    const auto state = parser.parse({bytes.data(), filled}, ResponseParser::To::head_request);
    if (state == HeadState::need_more) continue;
    if (state == HeadState::failed)
      co_return fail(Fault::malformed, "the proxy's answer: " + std::string(parser.error().reason));
    if (parser.status() / 100 == 2 && parser.head_bytes() != filled)
      co_return fail(Fault::malformed, "the proxy sent bytes into a tunnel that nobody had used");
    co_return parser.status();
  }
}

}  // namespace

Result<Proxy> parse_proxy(std::string_view url) {
  const bool has_scheme = url.find("://") != std::string_view::npos;
  auto parsed = parse_url(has_scheme ? std::string(url) : "http://" + std::string(url));
  if (!parsed) return fail(parsed.error().fault, "proxy: " + parsed.error().detail);
  if (parsed->https) return fail(Fault::bad_input, "proxy: it is spoken to in plain http; write http://");
  if (!parsed->path.empty())
    return fail(Fault::bad_input, "proxy: a proxy has a host and a port, but no path");
  Proxy proxy{.origin = {.https = false, .host = std::move(parsed->host), .port = parsed->port},
              .authorization = {}};
  if (parsed->user_info) proxy.authorization = "Basic " + base64(percent_decoded(*parsed->user_info));
  return proxy;
}

bool bypasses_proxy(std::string_view no_proxy, const Origin& origin) {
  // RFC 6761 §6.3: the subdomains of localhost lead here as well.
  if (is_loopback(origin.host) || origin.host.ends_with(".localhost")) return true;
  while (!no_proxy.empty()) {
    const auto comma = std::min(no_proxy.find(','), no_proxy.size());
    if (entry_matches(trim(no_proxy.substr(0, comma)), origin)) return true;
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
  }
  return false;
}

Task<Result<void>> open_tunnel(Socket& socket, const Proxy& proxy, const Origin& origin, MonoTime deadline) {
  const bool v6 = origin.host.find(':') != std::string::npos;
  const std::string target = (v6 ? "[" + origin.host + "]" : origin.host) + ":" + std::to_string(origin.port);
  std::string head = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy.authorization.empty()) head += "Proxy-Authorization: " + proxy.authorization + "\r\n";
  head += "\r\n";
  const std::array<std::string_view, 1> parts{head};
  const IoResult sent = co_await socket.write_all(parts, deadline);
  if (!sent.ok) co_return fail(sent.fault, "while the proxy was asked for a tunnel");
  const auto status = co_await read_answer(socket, deadline);
  if (!status) co_return std::unexpected(status.error());
  if (*status / 100 == 2) co_return Result<void>{};
  co_return fail(Fault::refused, "the proxy answered " + std::to_string(*status) + " to CONNECT " + target);
}

}  // namespace gantry::net
