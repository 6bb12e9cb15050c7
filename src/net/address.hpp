#pragma once
// Endpoints and the kernel's socket addresses. Included by src/net/*.cpp only.

#include <sys/socket.h>

#include "base/result.hpp"
#include "net/socket.hpp"

namespace gantry::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

/// Errors: bad_input for what is not numeric, or a path that is too long.
Result<SocketAddress> to_address(const Endpoint& endpoint);
/// IPv4 addresses mapped into IPv6 come out as IPv4.
Endpoint to_endpoint(const SocketAddress& address);

}  // namespace gantry::net
