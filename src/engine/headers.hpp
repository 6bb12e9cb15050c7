#pragma once
// Which headers pass, both ways: allow-lists (DESIGN §6), attribution, the upstream key. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "config/config.hpp"
#include "net/headers.hpp"

namespace gantry::engine {

/// Headers of one upstream request: views into the client's headers and the configuration.
class UpstreamHeaders {
 public:
  /// `authorization` is "Bearer …", or empty for none, and outlives this; `client` may be null. `room` is
  /// where the list is kept, for those who make one for every call: good until it is used for another.
  /// `space` keeps the sessions of clients that share the upstream key apart.
  UpstreamHeaders(const config::Attribution& attribution, const Secret& authorization,
                  const net::HeaderView* client, std::string_view accept,
                  std::vector<net::Header>* room = nullptr, std::string_view space = {});
  UpstreamHeaders(const UpstreamHeaders&) = delete;  // views into itself
  UpstreamHeaders& operator=(const UpstreamHeaders&) = delete;
  [[nodiscard]] std::span<const net::Header> all() const { return headers_; }

 private:
  void add_attribution(const config::Attribution& attribution, const net::HeaderView* client);
  std::vector<net::Header> own_;
  std::vector<net::Header>& headers_;
  std::string categories_, session_;
};

/// May this response header of the delivered attempt reach the client?
bool passes_to_client(std::string_view name);
/// May this request header of the client reach upstream?
bool passes_upstream(std::string_view name);

}  // namespace gantry::engine
