#pragma once
// OpenSSL's side of a socket. Included by src/net/*.cpp only; every call drains the error queue it may have
// filled.

#include <span>
#include <string>

#include "net/io.hpp"
#include "net/socket.hpp"
#include "net/tls.hpp"

struct ssl_st;

namespace gantry::net {

/// Non-blocking: bytes; ok with zero bytes when the socket must become readable first; or a fault.
IoResult tls_read(ssl_st* ssl, std::span<char> into);
IoResult tls_peek(ssl_st* ssl, std::span<char> into);
IoResult tls_write(ssl_st* ssl, std::span<const char> from);
void tls_close_notify(ssl_st* ssl);
void free_ssl(ssl_st* ssl);

/// A handshake in steps.
enum class HandshakeStep { done, want_read, want_write, failed };
struct HandshakeState {
  HandshakeStep step;
  std::string reason;  ///< when failed
};
HandshakeState tls_handshake(ssl_st* ssl);

/// An SSL for one connection on `socket`, which outlives it; `host` is for SNI, verification and the session
/// cache (clients). It reads and writes the descriptor only when the flags of `socket` say that the kernel
/// has something for it, and keeps them.
ssl_st* new_client_ssl(TlsContext& context, Watched& socket, const std::string& host);
ssl_st* new_server_ssl(TlsContext& context, Watched& socket);

}  // namespace gantry::net
