#include "upstream/link.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace gantry::bench {

ServerTls::ServerTls(const std::string& certificate_file, const std::string& key_file)
    : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    fail("cannot use certificate " + certificate_file + " with key " + key_file);
}

Link::Link(Fd socket, const ServerTls* tls) : socket_(std::move(socket)) {
  if (tls == nullptr) return;
  ssl_ = std::shared_ptr<ssl_st>(SSL_new(tls->get()), SSL_free);
  SSL_set_fd(ssl_.get(), socket_.get());
  SSL_set_accept_state(ssl_.get());
}

namespace {

// What an OpenSSL call that did not succeed means for us.
Link::State tls_state(ssl_st* ssl, int result) {
  const int error = SSL_get_error(ssl, result);
  ERR_clear_error();
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Link::State::would_block
                                                                       : Link::State::closed;
}

Link::State socket_state() {
  return errno == EAGAIN || errno == EINTR ? Link::State::would_block : Link::State::closed;
}

}  // namespace

Link::State Link::read(char* into, std::size_t room, std::size_t& got) {
  if (ssl_) {
    const int result = SSL_read_ex(ssl_.get(), into, room, &got);
    return result == 1 ? State::ok : tls_state(ssl_.get(), result);
  }
  const ssize_t result = recv(socket_.get(), into, room, 0);
  if (result > 0) {
    got = static_cast<std::size_t>(result);
    return State::ok;
  }
  return result == 0 ? State::closed : socket_state();
}

Link::State Link::send_some(std::string_view bytes, std::size_t& sent) {
  if (ssl_) {
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
    return result == 1 ? State::ok : tls_state(ssl_.get(), result);
  }
  const ssize_t result = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (result < 0) return socket_state();
  sent = static_cast<std::size_t>(result);
  return State::ok;
}

Link::State Link::write(std::string_view bytes) {
  if (queued_.empty()) {
    while (!bytes.empty()) {
      std::size_t sent = 0;
      const State state = send_some(bytes, sent);
      if (state == State::closed) return state;
      if (state == State::would_block) break;
      bytes.remove_prefix(sent);
    }
  }
  queued_ += bytes;
  return queued_.empty() ? State::ok : State::would_block;
}

Link::State Link::flush() {
  if (queued_.empty()) return State::ok;
  const std::string waiting = std::exchange(queued_, {});
  return write(waiting);
}

}  // namespace gantry::bench
