#pragma once
// One accepted connection's bytes, plain or TLS, behind the same two calls.

#include <memory>
#include <string>
#include <string_view>

#include "support/system.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace gantry::bench {

/// A server's TLS: one certificate, session tickets on, so that clients may resume.
class ServerTls {
 public:
  ServerTls(const std::string& certificate_file, const std::string& key_file);
  [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }

 private:
  std::shared_ptr<ssl_ctx_st> context_;
};

class Link {
 public:
  /// `tls` null means plain.
  Link(Fd socket, const ServerTls* tls);

  enum class State { ok, would_block, closed };
  /// Reads what there is, at most `room` bytes; `got` is set with State::ok.
  State read(char* into, std::size_t room, std::size_t& got);
  /// Queues bytes and sends what fits now.
  State write(std::string_view bytes);
  /// Sends what is still queued.
  State flush();
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// A read has to go on until it would block: TLS may hold bytes that the socket no longer shows.
  [[nodiscard]] bool holds_bytes() const { return ssl_ != nullptr; }

 private:
  State send_some(std::string_view bytes, std::size_t& sent);

  Fd socket_;
  std::shared_ptr<ssl_st> ssl_;
  std::string queued_;
};

}  // namespace gantry::bench
