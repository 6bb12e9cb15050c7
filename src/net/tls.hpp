#pragma once
// TLS settings shared by many connections (OpenSSL 3). Thread-safe once built.

#include <memory>
#include <string>

#include "base/result.hpp"

struct ssl_ctx_st;

namespace gantry::net {

struct TlsClientOptions {
  std::string ca_file;  ///< PEM bundle to trust instead of the system's roots; empty = system
};
struct TlsServerOptions {
  std::string certificate_file;  ///< PEM chain, leaf first
  std::string key_file;          ///< PEM private key
};

/// One SSL_CTX: TLS 1.2+, peer verification for clients, session resumption (sessions kept by host name),
/// ALPN http/1.1, buffers released when idle.
class TlsContext {
 public:
  /// Errors: bad_input naming the file and OpenSSL's reason.
  static Result<TlsContext> client(const TlsClientOptions& options);
  static Result<TlsContext> server(const TlsServerOptions& options);
  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::net
