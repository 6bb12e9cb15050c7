// Where requests go: what the operator wrote, as the client needs it.
#include "base/url.hpp"
#include "net/http_client.hpp"

namespace gantry::net {

std::string Origin::host_header() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (https ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

Result<BaseUrl> parse_base_url(std::string_view text) {
  auto url = parse_url(text);
  if (!url) return std::unexpected(url.error());
  if (url->user_info)
    return fail(Fault::bad_input,
                "a user name or password does not belong in a base URL; give the key as the key");
  return BaseUrl{.origin = {url->https, std::move(url->host), url->port}, .path = std::move(url->path)};
}

}  // namespace gantry::net
