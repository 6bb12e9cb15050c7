#include "net/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <sys/socket.h>

#include <cerrno>
#include <mutex>
#include <unordered_map>

#include "net/tls_impl.hpp"

namespace gantry::net {
namespace {

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  char text[256] = "unknown";
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

// OpenSSL compares a private key with the certificate while it takes it.
bool keys_differ() {
  const unsigned long code = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(code);
  const bool differ = ERR_GET_LIB(code) == ERR_LIB_X509 &&
                      (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH);
  if (differ) ERR_clear_error();
  return differ;
}

// Turns SSL_get_error into our three answers. `n` is what the call returned.
IoResult outcome_of(SSL* ssl, int n) {
  switch (SSL_get_error(ssl, n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return {};
    case SSL_ERROR_ZERO_RETURN:
      return {0, false, Fault::closed};
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      return {0, false, Fault::reset};
    default:
      ERR_clear_error();
      return {0, false, Fault::reset};  // a broken record is a broken connection: nothing more can be read
  }
}

IoResult result_of(SSL* ssl, int n) {
  return n > 0 ? IoResult{static_cast<std::size_t>(n), true, {}} : outcome_of(ssl, n);
}

int clamp_length(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, 1 << 30)); }

// ---- bytes

// OpenSSL's own BIO asks the kernel each time, also when nothing can be there: a system call for each read
// that has to wait. Ours looks at the socket's flags first (see Watched).
int bio_read(BIO* bio, char* into, int size) {
  auto& socket = *static_cast<Watched*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  while (socket.readable) {
    const ssize_t n = ::recv(socket.fd, into, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n < size) socket.readable = socket.hung;
    return static_cast<int>(n);
  }
  socket.readable = false;
  BIO_set_retry_read(bio);
  return -1;
}

int bio_write(BIO* bio, const char* from, int size) {
  auto& socket = *static_cast<Watched*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  while (socket.writable) {
    const ssize_t n = ::send(socket.fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    return static_cast<int>(n);
  }
  socket.writable = false;
  BIO_set_retry_write(bio);
  return -1;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* new_bio(Watched& socket) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "watched socket");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  BIO* const bio = BIO_new(method);
  if (!bio) return nullptr;
  BIO_set_data(bio, &socket);
  BIO_set_init(bio, 1);
  return bio;
}

SSL* new_ssl(SSL_CTX* context, Watched& socket) {
  SSL* const ssl = SSL_new(context);
  BIO* const bio = ssl ? new_bio(socket) : nullptr;
  if (!bio) {
    SSL_free(ssl);
    return nullptr;
  }
  SSL_set_bio(ssl, bio, bio);  // takes it
  return ssl;
}

}  // namespace

// ---- contexts

struct TlsContext::Impl {
  SSL_CTX* context = nullptr;
  std::mutex mutex;  // sessions are offered and taken by all loops
  std::unordered_map<std::string, SSL_SESSION*> sessions;

  ~Impl() {
    for (auto& [host, session] : sessions) SSL_SESSION_free(session);
    SSL_CTX_free(context);
  }
};

namespace {

int host_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}
int owner_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// OpenSSL hands over each new session; the newest of a host is kept.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* const owner =
      static_cast<TlsContext::Impl*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), owner_index()));
  const auto* const host = static_cast<const std::string*>(SSL_get_ex_data(ssl, host_index()));
  if (!owner || !host) return 0;
  constexpr std::size_t kHosts = 256;
  const std::lock_guard lock(owner->mutex);
  if (owner->sessions.size() >= kHosts && !owner->sessions.contains(*host)) return 0;
  auto& slot = owner->sessions[*host];
  if (slot) SSL_SESSION_free(slot);
  slot = session;
  return 1;  // the reference is ours now
}

Result<std::unique_ptr<TlsContext::Impl>> new_context(const SSL_METHOD* method) {
  auto impl = std::make_unique<TlsContext::Impl>();
  impl->context = SSL_CTX_new(method);
  if (!impl->context) return fail(Fault::system, "OpenSSL: " + openssl_reason());
  SSL_CTX_set_min_proto_version(impl->context, TLS1_2_VERSION);
  SSL_CTX_set_mode(impl->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(impl->context, 1);  // a record's head and body in one system call
  SSL_CTX_set_options(impl->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_ex_data(impl->context, owner_index(), impl.get());
  return impl;
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

Result<TlsContext> TlsContext::client(const TlsClientOptions& options) {
  auto impl = new_context(TLS_client_method());
  if (!impl) return std::unexpected(impl.error());
  SSL_CTX* const context = (*impl)->context;
  const bool trusted = options.ca_file.empty()
                           ? SSL_CTX_set_default_verify_paths(context) == 1
                           : SSL_CTX_load_verify_file(context, options.ca_file.c_str()) == 1;
  if (!trusted)
    return fail(Fault::bad_input,
                (options.ca_file.empty() ? "the system's root certificates" : options.ca_file) +
                    " cannot be read: " + openssl_reason());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  static constexpr unsigned char kAlpn[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn - 1);
  return TlsContext(std::move(*impl));
}

Result<TlsContext> TlsContext::server(const TlsServerOptions& options) {
  auto impl = new_context(TLS_server_method());
  if (!impl) return std::unexpected(impl.error());
  SSL_CTX* const context = (*impl)->context;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
    return fail(Fault::bad_input,
                options.certificate_file + " is not a usable PEM certificate: " + openssl_reason());
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (keys_differ())
      return fail(Fault::bad_input, options.key_file + " does not belong to " + options.certificate_file);
    return fail(Fault::bad_input, options.key_file + " is not a usable PEM private key: " + openssl_reason());
  }
  return TlsContext(std::move(*impl));
}

// ---- connections

ssl_st* new_client_ssl(TlsContext& context, Watched& socket, const std::string& host) {
  TlsContext::Impl& impl = context.impl();
  SSL* const ssl = new_ssl(impl.context, socket);
  if (!ssl) return nullptr;
  const bool numeric =
      host.find_first_not_of("0123456789.") == std::string::npos || host.find(':') != std::string::npos;
  if (!numeric) SSL_set_tlsext_host_name(ssl, host.c_str());
  if (numeric) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    SSL_set1_host(ssl, host.c_str());
  }
  SSL_set_ex_data(ssl, host_index(), new std::string(host));
  {
    const std::lock_guard lock(impl.mutex);
    if (const auto known = impl.sessions.find(host); known != impl.sessions.end())
      SSL_set_session(ssl, known->second);
  }
  SSL_set_connect_state(ssl);
  return ssl;
}

ssl_st* new_server_ssl(TlsContext& context, Watched& socket) {
  SSL* const ssl = new_ssl(context.impl().context, socket);
  if (!ssl) return nullptr;
  SSL_set_accept_state(ssl);
  return ssl;
}

void free_ssl(ssl_st* ssl) {
  delete static_cast<std::string*>(SSL_get_ex_data(ssl, host_index()));
  SSL_free(ssl);
}

HandshakeState tls_handshake(ssl_st* ssl) {
  ERR_clear_error();
  const int n = SSL_do_handshake(ssl);
  if (n == 1) return {HandshakeStep::done, {}};
  switch (SSL_get_error(ssl, n)) {
    case SSL_ERROR_WANT_READ:
      return {HandshakeStep::want_read, {}};
    case SSL_ERROR_WANT_WRITE:
      return {HandshakeStep::want_write, {}};
    default:
      break;
  }
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) {
    ERR_clear_error();
    return {HandshakeStep::failed,
            std::string("the certificate was not accepted: ") + X509_verify_cert_error_string(verdict)};
  }
  return {HandshakeStep::failed, openssl_reason()};
}

IoResult tls_read(ssl_st* ssl, std::span<char> into) {
  ERR_clear_error();
  return result_of(ssl, SSL_read(ssl, into.data(), clamp_length(into.size())));
}

IoResult tls_peek(ssl_st* ssl, std::span<char> into) {
  ERR_clear_error();
  return result_of(ssl, SSL_peek(ssl, into.data(), clamp_length(into.size())));
}

IoResult tls_write(ssl_st* ssl, std::span<const char> from) {
  ERR_clear_error();
  return result_of(ssl, SSL_write(ssl, from.data(), clamp_length(from.size())));
}

void tls_close_notify(ssl_st* ssl) {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl)) SSL_shutdown(ssl);
  ERR_clear_error();
}

}  // namespace gantry::net
