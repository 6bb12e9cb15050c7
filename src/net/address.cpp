#include "net/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstring>

namespace gantry::net {
namespace {

template <class T>
T& as(SocketAddress& address) {
  address.size = sizeof(T);
  return *reinterpret_cast<T*>(&address.storage);
}

Result<SocketAddress> to_unix(const Endpoint& endpoint) {
  SocketAddress out;
  auto& raw = as<sockaddr_un>(out);
  if (endpoint.address.size() >= sizeof raw.sun_path)
    return fail(Fault::bad_input, "the socket path is too long: " + endpoint.address);
  raw.sun_family = AF_UNIX;
  std::memcpy(raw.sun_path, endpoint.address.data(), endpoint.address.size());
  return out;
}

}  // namespace

Result<SocketAddress> to_address(const Endpoint& endpoint) {
  if (endpoint.unix_path) return to_unix(endpoint);
  SocketAddress out;
  auto& v4 = as<sockaddr_in>(out);
  if (::inet_pton(AF_INET, endpoint.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    return out;
  }
  auto& v6 = as<sockaddr_in6>(out);
  const auto percent = endpoint.address.find('%');  // fe80::1%eth0 names its interface
  const std::string host = endpoint.address.substr(0, percent);
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1)
    return fail(Fault::bad_input, "not a numeric address: " + endpoint.address);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  if (percent != std::string::npos)
    v6.sin6_scope_id = ::if_nametoindex(endpoint.address.c_str() + percent + 1);
  return out;
}

Endpoint to_endpoint(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET) {
    const auto& v4 = *reinterpret_cast<const sockaddr_in*>(&address.storage);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return {.address = text.data(), .port = ntohs(v4.sin_port), .unix_path = false};
  }
  if (address.storage.ss_family != AF_INET6) return {.address = "", .port = 0, .unix_path = true};
  const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(&address.storage);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  }
  return {.address = text.data(), .port = ntohs(v6.sin6_port), .unix_path = false};
}

}  // namespace gantry::net
