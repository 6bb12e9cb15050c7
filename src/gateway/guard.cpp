#include "gateway/guard.hpp"

#include "base/url.hpp"

namespace gantry::gateway {
namespace {

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_json(std::string_view type) {
  const auto end = type.find(';');
  auto media = type.substr(0, end);
  while (!media.empty() && media.back() == ' ') media.remove_suffix(1);
  return net::same_name(media, "application/json") ||
         (media.size() > 5 && net::same_name(media.substr(media.size() - 5), "+json"));
}

}  // namespace

// Asked of each request: the port is cut off without a copy of anything.
bool is_loopback_host(std::string_view host) {
  if (host.starts_with("[::1]")) return host.size() == 5 || (host[5] == ':' && is_port(host.substr(6)));
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos) {
    if (!is_port(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  return is_loopback(host);
}

std::optional<GuardRefusal> guard(const net::RequestHead& head, bool open) {
  const auto host = head.host();
  if (!open && host && !is_loopback_host(*host))
    return GuardRefusal{403, "The Host header does not name this machine, and this gateway serves it alone.",
                        "Use http://127.0.0.1 or http://localhost in the base URL."};
  if (const auto origin = head.headers.get("origin")) {
    const auto scheme = origin->find("://");
    const bool ours =
        host && scheme != std::string_view::npos && net::same_name(origin->substr(scheme + 3), *host);
    if (!ours)
      return GuardRefusal{
          403, "Requests from web pages of other origins are refused, so that no page can spend your credit.",
          "Call the gateway from a program or a server, not from a page's script."};
  }
  const auto type = head.headers.get("content-type");
  if (head.method == "POST" && !(type && is_json(*type)))
    return GuardRefusal{415, "The request's Content-Type is not JSON.",
                        "Send the header Content-Type: application/json."};
  if (const auto encoding = head.headers.get("content-encoding");
      encoding && !net::same_name(*encoding, "identity"))
    return GuardRefusal{415, "The request's body is compressed, which this gateway does not take.",
                        "Send the body without Content-Encoding."};
  return std::nullopt;
}

}  // namespace gantry::gateway
